import type { ConnectionChoice } from '../../identity/sign-in.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';

/** Asks for the code that a room system shows, and the room's address. */
export function deviceCodePage(page: {
  organization: string;
  userCode: string;
  address: string;
  fault: string | null;
  choices: readonly ConnectionChoice[];
}): string {
  const { organization, userCode, address, fault, choices } = page;
  const content = html`<p>Type the code that the room’s screen shows, and the room’s own address. Have you been sent a
code by somebody, rather than standing before the screen? Then close this page.</p>
<form method="post" action="/device">
<label for="code">Code</label>
<input id="code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false"
 maxlength="32" required value="${userCode}">
<label for="address">The room’s address</label>
<input id="address" name="address" type="email" autocomplete="off" inputmode="email" spellcheck="false"
 maxlength="254" required value="${address}">
${fault === null ? null : html`<p class="fault" id="fault" role="alert">${fault}</p>`}
${
  choices.length === 0
    ? html`<button type="submit">Continue</button>`
    : choices.map(
        ({ id, name }) => html`<button class="choice" name="connection" value="${id}">${name}</button>\n`,
      )
}
</form>`;
  return layout({ organization, title: 'Sign a room in', content });
}

/** The last step before the system gets its tokens: a code that somebody sent must be noticed here. */
export function deviceConfirmPage(page: {
  organization: string;
  userCode: string;
  app: string;
  address: string;
}): string {
  const { organization, userCode, app, address } = page;
  const content = html`<p>The system that shows this code will take part in meetings as
<strong>${address}</strong>, through <strong>${app}</strong>:</p>
<span class="trace">${userCode}</span>
<form method="post" action="/device/confirm">
<button name="decision" value="connect">The screen shows this code: connect it</button>
<button class="choice" name="decision" value="refuse">It does not</button>
</form>`;
  return layout({ organization, title: 'Is this the room’s screen?', content });
}

export function deviceDonePage(page: {
  organization: string;
  outcome: 'connected' | 'refused' | 'over';
}): string {
  const [title, text] = DONE[page.outcome];
  return layout({ organization: page.organization, title, content: html`<p>${text}</p>` });
}

const DONE = {
  connected: ['The room is signed in', 'You can close this page; the screen goes on by itself.'],
  refused: [
    'Nothing was connected',
    'The system got nothing. Tell your administrator if you were sent that code.',
  ],
  over: ['The code is over', 'Start again on the room’s screen.'],
} as const;
