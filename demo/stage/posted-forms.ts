/** A fetch for browsers that also keeps what they posted: the eavesdropper of the story. */
export interface PostedForms {
  readonly fetch: typeof fetch;
  /** The last form that was posted to a URL beginning so, with this field. */
  last(urlBeginning: string, field: string): Readonly<Record<string, string>> | undefined;
}

interface PostedForm {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

export function createPostedForms(fetchNamed: typeof fetch): PostedForms {
  const forms: PostedForm[] = [];
  return {
    fetch(input, init) {
      if (init?.method === 'POST' && init.body instanceof URLSearchParams) {
        forms.push({ url: String(input), fields: Object.fromEntries(init.body) });
      }
      return fetchNamed(input, init);
    },
    last: (urlBeginning, field) =>
      forms.findLast(({ url, fields }) => url.startsWith(urlBeginning) && Object.hasOwn(fields, field))
        ?.fields,
  };
}
