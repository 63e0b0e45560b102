import type { ChainVerifier } from './verifier.ts'

/** A verifier that does what a test says. */
export const aFakeVerifier = (verify: ChainVerifier['verify']): ChainVerifier => ({
  verify,
  pending: 0,
  library: Promise.resolve('native'),
  close: async () => {},
})

/** A client on the internet, another one for another number. */
export const aClient = (number = 1) => ({ network: `203.0.113.${number}`, isOneClient: true })
