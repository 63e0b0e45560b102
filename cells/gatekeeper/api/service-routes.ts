import { z } from 'zod'
import { declare, storableText } from './declaration.ts'

const test = 'cells/gatekeeper/service-handlers.test.ts'
const callers = 'worlds content servers'
const isBanned = { 200: { description: 'Whether the player is banned.', body: z.object({ isBanned: z.boolean() }) } }
const noWallet = { 400: { description: 'The address is no wallet address.' } }

/** What other services ask for and report. */
export const serviceRoutes = {
  banStatus: declare({
    ...{ method: 'GET', path: '/users/:address/ban-status', authentication: 'service', callers, test },
    summary: 'Whether a player, or the device in the header X-Device-Id, is banned from the platform.',
    differs: 'While it is not known: 503, not 500.',
    answers: { ...isBanned, ...noWallet },
  }),
  worldBanStatus: declare({
    ...{
      method: 'GET',
      path: '/worlds/:world/parcels/:parcel/users/:address/ban-status',
      authentication: 'service',
      callers,
      test,
    },
    summary: 'Whether a player is banned from the scene at a parcel of a world.',
    differs: 'While it cannot be found out: 503, not "no"; the caller decides what an outage means.',
    answers: { ...isBanned, 400: { description: 'The address or the parcel is none.' } },
  }),
  connectionInfo: declare({
    ...{ method: 'POST', path: '/users/:address/connection-info', authentication: 'service', callers, test },
    summary: 'Records the address and the device of a player who connected to another service.',
    body: z.strictObject({
      ipAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
      deviceId: storableText(256).optional(),
    }),
    answers: { 204: { description: 'It will be written.' }, ...noWallet },
  }),
}
