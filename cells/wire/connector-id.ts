import { randomBytes } from 'node:crypto'
import type { FencingToken } from './fencing-token.ts'

/**
 * A start of a connector that takes island groups (island-group.ts). It issues its sessions under this id, so that whatever names a session
 * also tells where its player is reached. Connectors that take none issue theirs under other ids, without this letter.
 */
export type ConnectorId = `k${string}`

const CONNECTOR_ID = /^k[0-9a-f]{12}$/
/** Behind the time and the dash. */
const ISSUER_AT = 10

export const newConnectorId = (): ConnectorId => `k${randomBytes(6).toString('hex')}`

/** The connector that holds a session, if it takes island groups. */
export function connectorOf(session: FencingToken): ConnectorId | undefined {
  const issuer = session.slice(ISSUER_AT)
  return CONNECTOR_ID.test(issuer) ? (issuer as ConnectorId) : undefined
}
