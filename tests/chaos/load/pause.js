/** The pace of a load, and how long a fault lasts: nothing is waited for with it. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
