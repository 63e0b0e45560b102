import { z } from 'zod'

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
