/** Latin letters that are more than a letter with a mark, which NFKD would take off. */
const SPELT: Record<string, string> = {
  ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss', æ: 'ae', œ: 'oe', ø: 'oe', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ı: 'i', ŋ: 'ng',
};
const MOST = 64;

/**
 * The address of a public room (2 to 64 of a-z, 0-9 and '-') that its name suggests: "Grüße & Küsse!"
 * gives gruesse-kuesse. '' when the name has too few Latin letters and digits.
 */
export function slugOf(name: string): string {
  const latin = name.normalize('NFC').toLowerCase().replace(/[^\0-\x7f]/g, (letter) => SPELT[letter] ?? letter);
  const plain = latin.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '-');
  const slug = plain.replace(/^-+/, '').slice(0, MOST).replace(/-+$/, '');
  return slug.length < 2 ? '' : slug;
}
