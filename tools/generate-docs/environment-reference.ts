import { z } from 'zod'
import { archipelagoVariables } from '../../cells/archipelago/config.ts'
import { tracingVariables } from '../../cells/chassis/start-tracing.ts'
import { compactVariables } from '../../cells/compact/config.ts'
import { connectorVariables } from '../../cells/connector/config.ts'
import { backupVariables } from '../../cells/gatekeeper/backup/main.ts'
import { gatekeeperVariables } from '../../cells/gatekeeper/config.ts'
import { migrationVariables } from '../../cells/gatekeeper/migrations/main.ts'
import { pulseVariables } from '../../cells/pulse/config.ts'
import { realmProviderVariables } from '../../cells/realm-provider/config.ts'
import { statsVariables } from '../../cells/stats/config.ts'
import type { Schema } from '../../crds/schema.ts'
import { operatorVariables } from '../../operator/config.ts'
import { installCheckVariables } from '../../operator/install-check/main.ts'
import { type Bounds, boundsOf, typeText } from './field-text.ts'
import { code, pageOf, tableOf, valueText } from './markdown.ts'

const processes: readonly [title: string, about: string, variables: z.ZodObject][] = [
  ['Operator', 'Set by the chart, from its values.', operatorVariables],
  ['Check of an installation', 'Run by `helm test`, with the settings of the chart.', installCheckVariables],
  ['Connector', '', connectorVariables],
  ['Archipelago', 'The embedded rooms are part of this process.', archipelagoVariables],
  [
    'Compact cell',
    [
      'A connector, an archipelago and stats in one process, with the variables of all three. With `STATS_` before its name a variable is for stats alone, and wins',
      'there over the one without: `STATS_NATS_USER`. These two stats have of their own in any case:',
    ].join('\n'),
    compactVariables,
  ],
  ['Gatekeeper', '', gatekeeperVariables],
  [
    'Backup and restore of the gatekeeper',
    'Copies the embedded database, and ends (`gatekeeper-backup`, `gatekeeper-restore`).',
    backupVariables,
  ],
  ['Migration of the gatekeeper', 'Brings the database to the current schema, and ends.', migrationVariables],
  ['Stats', '', statsVariables],
  ['Movement relay', '', pulseVariables],
  ['Realm provider', 'Set by the chart, from its values.', realmProviderVariables],
]

/** Variables that are not part of a schema, because a library or the platform defines them. */
const others: readonly [name: string, process: string, meaning: string][] = [
  [
    'KUBECONFIG',
    'operator, realm provider',
    'Path of a kubeconfig. Without it: `~/.kube/config`, then the ServiceAccount of the pod.',
  ],
  [
    'MODERATOR_TOKEN',
    '`realmctl ban`, `unban`, `bans`, `kick`, `who`, `admins`, `decisions`',
    'The moderators’ token of the gatekeeper.',
  ],
  ['CONSOLE_TOKEN', '`realmctl top`', 'The token of the console of the realm provider.'],
  ['NO_COLOR', '`realmctl`', 'Not empty: tables have no colours.'],
  ['LIVEKIT_API_KEY', '`realmctl up`', 'API key for `--livekit`.'],
  ['LIVEKIT_API_SECRET', '`realmctl up`', 'API secret for `--livekit`.'],
  [
    'XDG_CACHE_HOME',
    '`realmctl up`',
    'Folder in which `realm-operator/` may hold a `livekit-server` that was built earlier; default `~/.cache`.',
  ],
  ['PATH', '`realmctl up`', 'Searched for a `livekit-server`.'],
]

/** docs/reference/environment.md: what configures each process. */
export const environmentReference = (): string =>
  pageOf(
    'Environment variables',
    [
      'In a cluster the operator and the chart set these; they matter to people who run a service by hand. An empty value counts as unset. Each variable `NAME` may',
      'also be given as `NAME_FILE`, the path of a file with the value, as Secrets are mounted. A process with invalid variables names all of them and ends with exit',
      'code 2.',
    ].join('\n'),
    ...processes.map(([title, about, variables]) =>
      [`## ${title}`, about, variableTable(title, variables)].filter(Boolean).join('\n\n'),
    ),
    [
      '## Tracing',
      [
        'Variables of OpenTelemetry, of operator, connector, compact cell, gatekeeper and `realmctl up`. A mistake in them is logged, and ends no process; they have no',
        '`_FILE`. Its library also reads `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, and, of spans alone with `TRACES_` before the last words,',
        '`OTEL_EXPORTER_OTLP_HEADERS`, `_TIMEOUT`, `_COMPRESSION`, `_CERTIFICATE`, `_CLIENT_CERTIFICATE` and `_CLIENT_KEY`. It uses no proxy.',
      ].join('\n'),
      variableTable('Tracing', tracingVariables),
    ].join('\n\n'),
    [
      '## Others',
      tableOf(
        ['name', 'read by', 'meaning'],
        others.map(([name, process, meaning]) => [code(name), process, meaning]),
      ),
    ].join('\n\n'),
  )

function variableTable(title: string, variables: z.ZodObject): string {
  const { properties = {}, required = [] } = z.toJSONSchema(variables, { io: 'input' }) as Schema
  const rows = Object.entries(properties).map(([name, schema]) => {
    if (!schema.description) throw new Error(`${title}: ${name} needs a .describe() in its schema`)
    const fallback = schema.default === '' ? '' : valueText(schema.default)
    return [code(name), kindOf(schema), fallback, boundsOf(unpatterned(schema), required.includes(name)), schema.description]
  })
  return tableOf(['name', 'type', 'default', 'bounds', 'meaning'], rows)
}

const kindOf = (schema: Schema & Bounds): string => (schema.format === 'uri' ? 'URL' : typeText(schema))

/** Formats bring patterns of their own, which only repeat the type. */
const unpatterned = (schema: Schema & Bounds): Schema & Bounds => (schema.format ? { ...schema, pattern: '' } : schema)
