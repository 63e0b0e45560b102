/** The certificate that a server presents to players. Times are in milliseconds since the epoch. */
export type Certificate =
  | { state: 'valid' | 'expiresSoon' | 'expired'; expiresAt: number }
  | { state: 'notYetValid'; startsAt: number }
  /** It is for another host; `isDefault`: an ingress controller made it itself, because it was given none for this host. */
  | { state: 'otherHost'; isDefault: boolean }
  /** No authority that the operator trusts signed it, or the server leaves out those in between. */
  | { state: 'untrusted' }
  /** Nothing is known of the reason: users write these addresses, and must not learn what is in the operator's network. */
  | { state: 'unreached' }

/** The certificate at the public address of a realm, as last seen; `host` is the host of that address. */
export type RealmCertificate = { host: string } & (Certificate | { state: 'unknown' })
