import { z } from 'zod'
import { isNetworkList, TrustedProxies } from '../chassis/client-address.ts'

/** Variables of every process that counts clients by their address; `networks` are the proxies it believes by default. */
export const proxyVariables = (networks: string) => ({
  TRUSTED_PROXIES: z
    .string()
    .refine(isNetworkList, 'must be CIDRs or IP addresses, separated by commas')
    .default(networks)
    .describe('CIDRs, separated by commas, of the proxies whose X-Forwarded-For is believed.'),
  TRUSTED_PROXY_HOPS: z.coerce
    .number()
    .int()
    .min(0)
    .max(16)
    .default(0)
    .describe(
      'Proxies in front of this process besides TRUSTED_PROXIES, such as a CDN. Set it only where clients cannot pass them by.',
    ),
})

/** Variables of every process with WebSockets of players. */
export const connectionVariables = {
  MAX_CONNECTIONS_PER_ADDRESS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe(
      'Connections from one IPv4 address or IPv6 /64 at most. Private addresses and proxies, which stand for many players, have no limit of their own.',
    ),
  ...proxyVariables(''),
}

/** The proxies that an environment declares. */
export const trustedProxiesOf = (config: { TRUSTED_PROXIES: string; TRUSTED_PROXY_HOPS: number }): TrustedProxies =>
  new TrustedProxies(config.TRUSTED_PROXIES, config.TRUSTED_PROXY_HOPS)
