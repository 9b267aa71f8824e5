import { type Html, html } from './html.ts';

export const STYLE_PATH = '/pages.css';

/** Every page: its title, its heading, and what it says, within the company's own frame. */
export function layout(page: { organization: string; title: string; content: Html }): string {
  const { organization, title, content } = page;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} – ${organization}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<main>
<p class="organization">${organization}</p>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.markup;
}
