import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import { type Bans, gatekeeperBans, noBans } from './bans.ts'
import { type DenyList, emptyDenyList, HttpDenyList } from './deny-list.ts'
import type { RefusedWallets } from './refused-wallet-variables.ts'

const DENY_LIST_RETRY_MS = 30_000

/** The deny list that an environment names, to be stopped by the caller; without one, a list without wallets. */
export const denyListOf = (
  { DENYLIST_URL: url }: Pick<RefusedWallets, 'DENYLIST_URL'>,
  { clock, log }: { clock: Clock; log: Log },
  onRead?: () => void,
): DenyList => (url ? new HttpDenyList({ retryMs: DENY_LIST_RETRY_MS, url, clock, log, onRead }) : emptyDenyList)

/** The bans of the gatekeeper that an environment names; without one, no wallet is banned. */
export const bansOf = ({ COMMS_GATEKEEPER_URL: url }: RefusedWallets): Bans => (url ? gatekeeperBans(url) : noBans)
