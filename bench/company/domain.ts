/** The one domain of the company that is measured. */
export const DOMAIN = 'bench.example';
