/**
 * Set on requests that came to a realm's own address and are forwarded to the realm provider. Both may have one host, so that the
 * host alone does not tell which of them a client asked.
 */
export const REALM_HOST_HEADER = 'x-realm-host'
