import { z } from 'zod'
import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { type Bans, gatekeeperBans, noBans } from './bans.ts'
import { type DenyList, emptyDenyList, HttpDenyList } from './deny-list.ts'

const DAY_MS = 24 * 3600 * 1000

/** Variables of every service that players are connected to: which wallets it refuses. */
export const refusedWalletVariables = {
  DENYLIST_URL: z
    .url()
    .optional()
    .describe('URL of `{"users":[{"wallet":"0x…"}]}`: wallets whose connections are refused; unset = no wallet.'),
  COMMS_GATEKEEPER_URL: z.url().optional().describe('URL of a gatekeeper to query for bans.'),
  BAN_SWEEP_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(DAY_MS)
    .default(30_000)
    .describe('Milliseconds between two checks of the connected players for new bans.'),
}

/** The values of these variables. */
export interface RefusedWallets {
  DENYLIST_URL?: string | undefined
  COMMS_GATEKEEPER_URL?: string | undefined
  BAN_SWEEP_INTERVAL_MS: number
}

const DENY_LIST_RETRY_MS = 30_000

/** The deny list that an environment names, to be stopped by the caller; without one, a list without wallets. */
export const denyListOf = (
  { DENYLIST_URL: url }: RefusedWallets,
  { clock, log }: { clock: Clock; log: Log },
  onRead?: () => void,
): DenyList => (url ? new HttpDenyList({ retryMs: DENY_LIST_RETRY_MS, url, clock, log, onRead }) : emptyDenyList)

/** The bans of the gatekeeper that an environment names; without one, no wallet is banned. */
export const bansOf = ({ COMMS_GATEKEEPER_URL: url }: RefusedWallets): Bans => (url ? gatekeeperBans(url) : noBans)
