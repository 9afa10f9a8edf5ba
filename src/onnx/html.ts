/** @file Pages of HTML, which web servers send in place of a file that they do not have. */

/** @param head a file's first characters */
export const isHtml = (head: string): boolean => /^\s*(<!--.*?-->\s*)?<(!doctype html|html|head|body)/is.test(head);
