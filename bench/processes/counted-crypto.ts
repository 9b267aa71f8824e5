/** How often this process signed and verified with WebCrypto. */
export interface CryptoCounts {
  signed: number;
  verified: number;
}

/** Counts every WebCrypto signature of this process from now on, whoever makes it: an addition and a call more each. */
export function countCrypto(): CryptoCounts {
  const counts = { signed: 0, verified: 0 };
  const { subtle } = crypto;
  const sign = subtle.sign.bind(subtle);
  const verify = subtle.verify.bind(subtle);
  Object.defineProperties(subtle, {
    sign: {
      value: (...args: Parameters<typeof sign>) => {
        counts.signed += 1;
        return sign(...args);
      },
    },
    verify: {
      value: (...args: Parameters<typeof verify>) => {
        counts.verified += 1;
        return verify(...args);
      },
    },
  });
  return counts;
}
