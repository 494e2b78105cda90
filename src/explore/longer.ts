/** The words in an array of twice as many, or of `least` where that is more. */
export const longer = (words: Int32Array, least = 0): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(Math.max(least, words.length * 2));
  grown.set(words);
  return grown;
};
