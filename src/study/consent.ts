/** @file What participants agree to, unless the researchers have a text of their own, which they should. */
export const defaultConsent: readonly string[] = [
  "This is a scientific study about how well people understand what computer programs look at in photographs. You are shown pictures and choose between answers. You must be able to see the pictures; a phone is enough.",
  "We store your answers and how long they took under a random number. We do not store your name, your IP address, or anything about your device. One cookie lets you come back to where you left off.",
  "Taking part is voluntary. You may stop at any time, and delete your answers until you have finished. The answers may be published.",
  "A few questions only check that you are reading them.",
];
