import { z } from 'zod'
import { parseEnv } from '../cells/chassis/config.ts'
import { logLevels } from '../cells/chassis/log.ts'
import type { Platform } from './desired/platform.ts'

const url = z.url({ protocol: /^https?$/ }).transform((value) => value.replace(/\/+$/, ''))

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const schema = z.object({
  LOG_LEVEL: z.enum(logLevels).default('info'),
  HTTP_SERVER_HOST: z.string().default('0.0.0.0'),
  HTTP_SERVER_PORT: z.coerce.number().int().min(0).max(65_535).default(8080), // 0 = any free port, for tests
  IMAGE_REPOSITORY: z.string(),
  NATS_IMAGE: z.string().default('nats:2.11.17'),
  LIVEKIT_IMAGE: z.string().default('livekit/livekit-server:v1.13.5'),
  IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  CLUSTER_DOMAIN: z.string().default('cluster.local'),
  PROVIDER_URL: url,
  /** `[{"url": "https://…", "tokenFile": "/…"}]`: the realm providers of other clusters that may be spoken to. */
  PUBLICATION_PROVIDERS: z
    .string()
    .default('[]')
    .transform((text, { addIssue }) => {
      const parsed = z.array(z.strictObject({ url, tokenFile: z.string().min(1) })).safeParse(parsedJson(text))
      if (!parsed.success) addIssue('must be a JSON list of objects with url and tokenFile')
      return parsed.data ?? []
    }),
  /** Whether an External LiveKit and NATS are looked at from here; not where the operator may not leave its cluster. */
  CHECK_DEPENDENCIES: z.enum(['true', 'false']).default('true'),
  WATCH_NAMESPACE: z.string().default(''), // '' = all
  LEASE_NAMESPACE: z.string().optional(),
  LEASE_NAME: z.string().default('realm-operator'),
  LEASE_IDENTITY: z.string().optional(),
  WORKERS: z.coerce.number().int().min(1).max(64).default(8),
})

/** How an operator is set up. */
export type OperatorConfig = Readonly<z.infer<typeof schema>>

/** @throws UserError naming everything wrong with the environment */
export const readConfig = (env: NodeJS.ProcessEnv): OperatorConfig => parseEnv(schema, env)

/** What the configuration, and the namespace of the operator, decide for every realm. */
export const platformOf = (config: OperatorConfig, namespace: string): Platform => ({
  imageRepository: config.IMAGE_REPOSITORY,
  natsImage: config.NATS_IMAGE,
  livekitImage: config.LIVEKIT_IMAGE,
  imagePullPolicy: config.IMAGE_PULL_POLICY,
  clusterDomain: config.CLUSTER_DOMAIN,
  namespace,
  providerUrl: config.PROVIDER_URL,
})
