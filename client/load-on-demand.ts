/** What a page loads when it first does more than look up and verify. One place, because bundlers repeat each of them. */
export const loadOnDemand = () => import('./on-demand.ts');

/** What it loads when its first meeting begins. */
export const loadMeetings = () => import('./on-demand-meetings.ts');
