import { z } from 'zod'
import { withoutTrailingSlash } from '../cells/chassis/base-url.ts'
import { commaSeparated, parseEnv } from '../cells/chassis/config.ts'
import { ALL_ADDRESSES } from '../cells/chassis/listen.ts'
import { logLevels } from '../cells/chassis/log-level.ts'
import { realmKeysIn } from '../cells/identity/realm-token.ts'
import { readRelayAddress } from '../cells/wire/relay-address.ts'
import type { Platform } from './desired/platform.ts'

const url = z.url({ protocol: /^https?$/ }).transform(withoutTrailingSlash)

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Environment variables of the operator. */
export const operatorVariables = z.object({
  LOG_LEVEL: z.enum(logLevels).default('info').describe('Least severe level that is logged.'),
  PROFILE_FOLDER: z
    .string()
    .optional()
    .describe('Folder into which the signal SIGUSR2 writes profiles of CPU and memory; unset = it writes none.'),
  HTTP_SERVER_HOST: z
    .string()
    .default(ALL_ADDRESSES)
    .describe('Address to listen on; `::` is all of this machine, IPv6 and IPv4.'),
  HTTP_SERVER_PORT: z.coerce.number().int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 takes a free one.'),
  IMAGE_REPOSITORY: z
    .string()
    .describe('Image of the services, with its registry and without a tag: the tag is the version of each Realm.'),
  NATS_IMAGE: z.string().default('docker.io/library/nats:2.11.17').describe('Image of a Managed NATS.'),
  LIVEKIT_IMAGE: z.string().default('docker.io/livekit/livekit-server:v1.13.5').describe('Image of a Managed LiveKit.'),
  PROXY_IMAGE: z
    .string()
    .default('docker.io/nginxinc/nginx-unprivileged:1.30.4-alpine-slim')
    .describe('Image of the proxy behind the load balancer of a realm: nginx, with a shell.'),
  IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('Pull policy of all pods.'),
  POD_USER_IDS: z
    .enum(['true', 'false'])
    .default('true')
    .describe('Whether pods of realms have user and group ids; `false` where the cluster assigns them, as OpenShift does.'),
  CLUSTER_DOMAIN: z.string().default('cluster.local').describe('DNS domain of the cluster.'),
  PROVIDER_URL: url.describe('Base URL of the realm provider of this cluster, as the operator reaches it.'),
  PROVIDER_SERVICE_URL: url
    .optional()
    .describe('Base URL of the realm provider as the pods of realms reach it; unset = PROVIDER_URL.'),
  PUBLICATION_PROVIDERS: z
    .string()
    .default('[]')
    .transform((text, { addIssue }) => {
      const parsed = z.array(z.strictObject({ url, tokenFile: z.string().min(1) })).safeParse(parsedJson(text))
      if (!parsed.success) addIssue('must be a JSON list of objects with url and tokenFile')
      return parsed.data ?? []
    })
    .describe('`[{"url": "https://…", "tokenFile": "/…"}]`: the realm providers of other clusters that Realms may name.'),
  MOVEMENT_HOST: z
    .string()
    .transform((text, { addIssue }) => {
      const address = readRelayAddress(text)
      if (!address) addIssue('must be a host name, an IPv4 address or an IPv6 address in brackets, with or without a port')
      return address
    })
    .optional()
    .describe(
      'Host of the movement relay of this installation as players reach it, with its port unless that is 7777; unset = there is none.',
    ),
  MOVEMENT_REPORTS_URL: url
    .optional()
    .describe('URL at which that relay takes the reports of connectors, as they reach it; unset = they report to none.'),
  MOVEMENT_KEYS: z
    .string()
    .transform(realmKeysIn)
    .optional()
    .describe('Keys of the tokens of realms at that relay, one a line; the first makes them. Needed with MOVEMENT_REPORTS_URL.'),
  CHECK_DEPENDENCIES: z
    .enum(['true', 'false'])
    .default('true')
    .describe(
      'Whether the operator probes External LiveKit and NATS, and movement relays; `false` where it has no route out of its cluster.',
    ),
  WATCH_NAMESPACES: commaSeparated.describe(
    'Namespaces whose objects are reconciled, separated by commas; empty = every namespace.',
  ),
  OPERATOR_NAMESPACE: z
    .string()
    .optional()
    .describe('Namespace of the operator and the realm provider; unset = that of the pod.'),
  LEASE_NAMESPACE: z.string().optional().describe('Namespace of the Lease for leader election; unset = OPERATOR_NAMESPACE.'),
  LEASE_NAME: z.string().default('realm-operator').describe('Name of the Lease.'),
  LEASE_IDENTITY: z.string().optional().describe('Identity of this replica in the Lease; unset = a unique one.'),
  WORKERS: z.coerce.number().int().min(1).max(64).default(8).describe('Objects reconciled at the same time at most.'),
})

/** How an operator is set up. */
export type OperatorConfig = Readonly<z.infer<typeof operatorVariables>>

/** @throws UserError naming everything wrong with the environment */
export const readConfig = (env: NodeJS.ProcessEnv): OperatorConfig => parseEnv(operatorVariables, env)

/** What the configuration, and the namespace of the operator, decide for every realm. */
export const platformOf = (config: OperatorConfig, namespace: string): Platform => ({
  imageRepository: config.IMAGE_REPOSITORY,
  natsImage: config.NATS_IMAGE,
  livekitImage: config.LIVEKIT_IMAGE,
  proxyImage: config.PROXY_IMAGE,
  imagePullPolicy: config.IMAGE_PULL_POLICY,
  userIds: config.POD_USER_IDS === 'true',
  clusterDomain: config.CLUSTER_DOMAIN,
  namespace,
  providerUrl: config.PROVIDER_URL,
})
