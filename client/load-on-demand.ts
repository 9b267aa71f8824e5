/** What a page loads when it first does more than look up and verify. One place, because bundlers repeat each of them. */
export const loadOnDemand = () => import('./on-demand.ts');
