/** @file Pages of HTML, which web servers send in place of a file that they do not have. */

/** What such a page is, in words. */
export const pageOfHtml = "it is a page of HTML, as a web server sends for a missing file or a login";

/** @param head a file's first characters */
export const isHtml = (head: string): boolean => /^\s*(<!--.*?-->\s*)?<(!doctype html|html|head|body)/is.test(head);
