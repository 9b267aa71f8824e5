/** What a receiver said is for a person to read: a dead letter and a sink's health hold no more of it than this. */
const WORDS_LENGTH = 500;
/** Shorter ones turn up in ordinary text, and hiding them would garble it. */
const SECRET_LENGTH = 4;

/**
 * A receiver's words in one line of at most 500 characters, with our credentials cut out: receivers like to repeat
 * what they were sent.
 */
export function receiverWords(text: string, secrets: readonly string[]): string {
  const hidden = secrets
    .flatMap(written)
    .filter((secret) => secret.length >= SECRET_LENGTH)
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
  return hidden
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, WORDS_LENGTH)
    .toWellFormed();
}

/** As it is, and as writers of JSON put it into a string: all may escape a slash, and whatever is not ASCII. */
function written(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const ascii = (digits: (code: string) => string) =>
    json.replace(
      /[\x7f-\uffff]/g,
      (unit) => `\\u${digits(unit.charCodeAt(0).toString(16).padStart(4, '0'))}`,
    );
  const forms = [secret, json, ascii((code) => code), ascii((code) => code.toUpperCase())];
  return [...new Set(forms.flatMap((form) => [form, form.replaceAll('/', '\\/')]))];
}
