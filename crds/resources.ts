import { API_VERSION } from './realm.ts'

/** Where the API server serves Realms. */
export const realmResource = { apiVersion: API_VERSION, kind: 'Realm', plural: 'realms' } as const

/** Where the API server serves CommsCells. */
export const cellResource = { apiVersion: API_VERSION, kind: 'CommsCell', plural: 'commscells' } as const

/** The kinds of object the operator reconciles. */
export type Kind = 'Realm' | 'CommsCell'
