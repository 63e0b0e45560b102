import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { processVariables } from '../process.ts'
import { PULSE_PORT, RELAY_FORWARD_PORT } from '../wire/relay-address.ts'

/** Environment variables of a movement relay. */
export const pulseVariables = z.object({
  ...processVariables(8080),
  UDP_SERVER_ADDRESS: z
    .string()
    .optional()
    .describe('Address on which players are received; unset = every address, of IPv6 and IPv4.'),
  UDP_SERVER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(PULSE_PORT)
    .describe('UDP port of the players; Unity explorers know no other than 7777.'),
  FORWARD_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(RELAY_FORWARD_PORT)
    .describe(
      'TCP port, of 127.0.0.1 only, at which `realmctl forward` brings datagrams of players through a port-forward. Where it is taken, none are brought.',
    ),
  PEER_SERVER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Port of probes and metrics, apart from the reports of connectors; unset = that of HTTP_SERVER_PORT.'),
  REALM_TOKEN_KEY_FILE: z
    .string()
    .optional()
    .describe(
      'File with the key of the tokens with which the connectors of each realm report their sessions, read at every report; further lines are keys of before that still count. Unset = none can report.',
    ),
  VISIBLE_PLAYERS: z
    .enum(['Everyone', 'WithSession'])
    .default('Everyone')
    .describe(
      'Whom the relay shows to the players of a realm: `Everyone`, or `WithSession`, the wallets that have one at its connectors. With the latter, a realm that reports no sessions is hidden.',
    ),
  HAND_OVER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('TCP port on which the relay that follows this one takes its players over; unset = none can.'),
  HAND_OVER_FROM: z
    .string()
    .optional()
    .describe(
      'Name by which the relays of this installation find each other; one that starts takes the players of another over.',
    ),
  HAND_OVER_FROM_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('Port of that relay; unset = that of HAND_OVER_PORT.'),
  HAND_OVER_KEY_FILE: z
    .string()
    .optional()
    .describe(
      'File with the key of all relays of this installation, read at every hand-over; further lines are keys of before that still count. Unset = players are not handed over.',
    ),
  HAND_OVER_WAIT_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(300)
    .default(15)
    .describe('Seconds for which a relay that is to stop waits for the one that follows it, and serves meanwhile.'),
  ETH_RPC_URL: z.url().optional().describe('Ethereum JSON-RPC to check contract wallets; without it they are refused.'),
  DENYLIST_URL: z
    .url()
    .optional()
    .describe('URL of `{"users":[{"wallet":"0x…"}]}`: wallets that are refused and disconnected; unset = no wallet.'),
})

/** One without the others would be silently without effect: the players would be lost at the next upgrade. */
const checkedVariables = pulseVariables.superRefine((given, { addIssue }) => {
  const need = (name: 'HAND_OVER_KEY_FILE' | 'HAND_OVER_PORT', message: string) => {
    if (given[name] === undefined) addIssue({ code: 'custom', path: [name], message })
  }
  if (given.HAND_OVER_PORT !== undefined || given.HAND_OVER_FROM !== undefined)
    need(
      'HAND_OVER_KEY_FILE',
      'is needed to hand players over: name a file with a key that all relays here have, or unset HAND_OVER_PORT and HAND_OVER_FROM',
    )
  if (given.HAND_OVER_FROM !== undefined)
    need('HAND_OVER_PORT', 'is needed with HAND_OVER_FROM: the relay that follows asks there')
})

/** How a movement relay is set up; the names are those of its environment. */
export type PulseVariables = Readonly<z.infer<typeof pulseVariables>>

/** Reads the configuration. @throws UserError naming everything wrong with it */
export const readConfig = (env: NodeJS.ProcessEnv): PulseVariables => parseEnv(checkedVariables, env)
