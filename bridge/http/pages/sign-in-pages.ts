import type { ConnectionChoice } from '../../identity/sign-in.ts';
import { type Html, html } from './html.ts';
import { layout } from './layout.ts';

/** What the pages of one sign-in have in common. */
export interface SignInPage {
  readonly organization: string;
  /** The client app's name. */
  readonly app: string;
  readonly uid: string;
}

/** Asks for the work address, by which the connection is found. */
export function addressPage(page: SignInPage & { address: string; fault: string | null }): string {
  const { organization, app, uid, address, fault } = page;
  const described = fault === null ? null : html` aria-invalid="true" aria-describedby="fault"`;
  const content = html`<p>to continue to <strong>${app}</strong></p>
<form method="post" action="/sign-in/${uid}">
<label for="address">Work email address</label>
<input id="address" name="address" type="email" autocomplete="username" inputmode="email" spellcheck="false"
 maxlength="254" required autofocus value="${address}"${described}>
${fault === null ? null : html`<p class="fault" id="fault" role="alert">${fault}</p>`}
<button type="submit">Continue</button>
</form>
${cancel(uid)}`;
  return layout({ organization, title: 'Sign in', content });
}

/** Several connections know the domain: which one? */
export function choicePage(
  page: SignInPage & { address: string; choices: readonly ConnectionChoice[] },
): string {
  const { organization, app, uid, address, choices } = page;
  const content = html`<p>as <strong>${address}</strong>, to continue to <strong>${app}</strong></p>
<form method="post" action="/sign-in/${uid}" aria-label="Choose how to sign in">
<input type="hidden" name="address" value="${address}">
${choices.map(({ id, name }) => html`<button class="choice" name="connection" value="${id}">${name}</button>\n`)}
</form>
${cancel(uid)}`;
  return layout({ organization, title: 'How do you sign in?', content });
}

/** Says that it did not work, and nothing of why: that stands under the trace id, for administrators. */
export function refusedPage(page: {
  organization: string;
  traceId: string;
  /** The interaction to give up, where this browser has one. */
  uid: string | null;
}): string {
  const { organization, traceId, uid } = page;
  const next =
    uid === null
      ? html`<p>Go back to the app and sign in again.</p>`
      : html`<a class="button" href="/sign-in/${uid}/cancel">Back to the app</a>`;
  const content = html`<p role="alert">Your sign-in could not be completed. Please try again. If it keeps failing, tell
your administrator this code:</p>
<span class="trace">${traceId}</span>
${next}`;
  return layout({ organization, title: 'You are not signed in', content });
}

/** A request of the app that cannot even be answered to the app. */
export function brokenRequestPage(page: {
  organization: string;
  description: string;
  requestId: string;
}): string {
  const { organization, description, requestId } = page;
  const content = html`<p role="alert">The app asked for something that cannot be answered: ${description}.</p>
<p>Go back to the app and try again. Request id: ${requestId}</p>`;
  return layout({ organization, title: 'The app’s request is not valid', content });
}

function cancel(uid: string): Html {
  return html`<p class="cancel"><a href="/sign-in/${uid}/cancel">Cancel</a></p>`;
}
