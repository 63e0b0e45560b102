import { z } from 'zod'
import type { InstalledCrd } from '../../cli/cluster/installation.ts'
import type { RealmReport } from '../../cli/cluster/realm-report.ts'
import type { LoadReport } from '../../cli/commands/load.ts'
import type { TopData } from '../../cli/commands/top-data.ts'
import type { VersionReport } from '../../cli/commands/version.ts'
import type { Diagnosis } from '../../cli/doctor/diagnosis.ts'

// What commands print with `-o json`: the reference is made of it, and what commands print against realms of this machine and of a cluster
// is checked by it. Types of the code are among the types of the schemas, so that a field of one is a field of the other.

const text = (what: string) => z.string().describe(what)
const count = (what: string) => z.number().describe(what)
const time = (what: string) => z.string().describe(`${what}, RFC 3339`)
const yes = (what: string) => z.boolean().describe(what)
const unknownOr = (schema: z.ZodNumber) => schema.nullable().describe(`${schema.description}; null where it is not known`)

const condition = z.strictObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.number().exactOptional(),
  lastTransitionTime: z.string(),
  ...{ reason: z.string(), message: z.string() },
})

const status: z.ZodType<RealmReport> = z.strictObject({
  namespace: text('of the Realm'),
  name: text('of the Realm'),
  realmName: text('the name by which explorers find it'),
  mode: z.enum(['City', 'World']),
  version: text('`spec.version`'),
  ready: yes('every cell and service works'),
  stalled: yes('the operator cannot go on until a person changes something'),
  settled: yes('ready, and nothing is being changed: with `true` the command ends with 0'),
  ...{ acceptingPlayers: z.boolean(), published: z.boolean() },
  about: text('URL; null before there is one').nullable(),
  players: text('about how many, such as `100+`; null where it is not known').nullable(),
  cells: z.strictObject({ wanted: z.number(), existing: z.number(), ready: z.number(), updated: z.number() }),
  slots: z.array(
    z.strictObject({
      ...{ slot: z.number(), name: text('of the CommsCell'), state: text('`Starting`, or that of its status') },
      connectors: z.strictObject({ ready: z.number(), existing: z.number(), wanted: z.number() }),
      players: z.string().nullable(),
      topology: z.enum(['Split', 'Compact']),
      ...{ version: z.string(), revision: text('what it was created from; empty where a person created it') },
    }),
  ),
  problems: z
    .array(
      z.strictObject({
        severity: z.enum(['error', 'warning', 'change']),
        ...{ subject: z.string(), reason: z.string(), message: z.string(), since: time('since when') },
      }),
    )
    .describe('the worst first'),
  conditions: z.array(condition).describe('those of the Realm'),
})

const doctor: z.ZodType<Diagnosis> = z.strictObject({
  client: text('version of this program'),
  realm: text('the realm that was looked at; absent where it was the installation').exactOptional(),
  summary: z.strictObject({ ok: z.number(), warning: z.number(), failed: z.number(), skipped: z.number() }),
  checks: z.array(
    z.strictObject({
      name: text('scripts may match on it'),
      of: text('the object it is about; absent where it is the cluster or the installation').exactOptional(),
      state: z.enum(['ok', 'warning', 'failed', 'skipped']),
      seen: text('what was seen; of a skipped check, why nothing was'),
      fix: text('a command, or a field with a value for it').exactOptional(),
    }),
  ),
})

const version: z.ZodType<VersionReport> = z.strictObject({
  client: text('of this program; with `--client` there is nothing else'),
  apiServer: text('of Kubernetes').exactOptional(),
  programs: z
    .array(
      z.strictObject({
        program: z.enum(['operator', 'provider', 'movement']),
        ...{ namespace: z.string(), name: z.string(), version: z.string(), image: z.string() },
        replicas: z.strictObject({ wanted: z.number(), ready: z.number(), updated: z.number() }),
      }),
    )
    .exactOptional(),
  crds: z
    .array(
      z.strictObject({
        ...{ name: z.string(), version: z.string().exactOptional(), owner: text('release of Helm').exactOptional() },
        missingFields: z.array(z.string()).describe('fields that this program knows and the cluster would drop'),
        established: yes('the API server serves it'),
      }) as unknown as z.ZodType<InstalledCrd>,
    )
    .exactOptional(),
  unseen: z.array(z.string()).describe('what could not be read, and why').exactOptional(),
  skews: z
    .array(z.strictObject({ between: z.string(), message: z.string(), fix: z.string() }))
    .describe('what does not fit together: with any, the command ends with 1')
    .exactOptional(),
})

const use = {
  connectors: z.strictObject({ ready: z.number(), wanted: z.number() }).nullable().exactOptional(),
  saturation: count('players by the number that the cells are meant for; 1 is full').nullable().exactOptional(),
  cpuCores: count('of all its pods').nullable().exactOptional(),
  memoryBytes: count('of all its pods').nullable().exactOptional(),
  joinP99Seconds: count('99 of 100 players waited no longer for their first island').nullable().exactOptional(),
  joinSuccess: count('share of the players of the last ten minutes who got an island in time').nullable().exactOptional(),
}
const rate = (what: string) => unknownOr(count(`${what} in a second`))
const rates = { joins: rate('joins'), leaves: rate('leaves'), heartbeats: rate('heartbeats') }
const asked = { answers: rate('players who were sent to a cell'), refusals: rate('players who were not') }
const top: z.ZodType<TopData & { problem?: string }> = z.strictObject({
  at: time('when it was read'),
  ...{ players: z.number(), realmCount: z.number(), healthyCount: z.number(), ...asked },
  slowest: z
    .strictObject({ url: z.string(), milliseconds: z.number() })
    .describe('the slowest of the servers that the realm provider asks')
    .exactOptional(),
  realms: z.array(
    z.strictObject({
      ...{ namespace: z.string(), name: z.string(), realmName: z.string(), mode: z.enum(['City', 'World']), state: z.string() },
      ...{ players: unknownOr(count('players')), islands: unknownOr(count('islands')), ...rates, ...asked, ...use },
      cells: z.array(
        z.strictObject({
          ...{ slot: z.number(), state: z.string(), players: z.number(), islands: unknownOr(count('islands')), ...rates, ...use },
        }),
      ),
    }),
  ),
  notes: z.array(z.string()).describe('why something is not known').exactOptional(),
  problem: text('with `--watch`: why this is of an earlier time').exactOptional(),
})

const joinReport = z.strictObject({
  steps: z.array(
    z.strictObject({
      step: z.enum(['about', 'login', 'socket', 'welcome', 'island', 'room']),
      ...{ ms: count('milliseconds'), what: text('what was reached') },
    }),
  ),
  heartbeats: count('sent while the player stayed'),
  failure: text('which step failed, and why; null where none did').nullable(),
})

const load: z.ZodType<LoadReport> = z.strictObject({
  url: z.string(),
  seconds: count('from the first player to the end'),
  interrupted: yes('a person ended it before its time'),
  players: z.strictObject({ wanted: z.number(), begun: z.number(), joined: z.number(), connectedAtEnd: z.number() }),
  failures: z.array(z.strictObject({ cause: z.string(), players: z.number() })),
  joinMs: z
    .strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() })
    .nullable()
    .describe('from `/about` to the island, or to the room with `--rooms`; null where no player joined'),
  islands: z.number(),
  heartbeats: z.strictObject({ sent: z.number(), perSecond: z.number() }),
  disconnects: z.array(z.strictObject({ reason: z.string(), players: z.number() })),
})

const history = z.array(
  z.strictObject({
    ...{ revision: z.string(), versions: z.array(z.string()), cells: z.array(z.string()), serving: z.number() },
    createdAt: time('when its first cell was created').nullable(),
  }),
)

const ban = { bannedAt: time('since when'), expiresAt: time('until when').nullable(), bannedBy: z.string(), reason: z.string() }
const who = z.looseObject({
  lastSeenAt: z.string().nullable(),
  rooms: z
    .array(z.looseObject({ room: z.string(), kind: z.string(), joinedAt: z.string() }))
    .nullable()
    .describe('null where the rooms are not those of a LiveKit, or it does not answer'),
  ban: z.looseObject(ban).nullable(),
  warnings: z.number(),
  sceneBans: z.array(z.string()).describe('places'),
  statistics: z
    .strictObject({
      parcel: z.array(z.number()).nullable(),
      ...{ lastHeartbeatAt: time('its last position; null where it is not connected').nullable(), island: z.string().nullable() },
    })
    .nullable()
    .describe('null where the statistics do not answer'),
})
const decision = z.looseObject({
  ...{ decidedAt: z.string(), actor: z.string(), action: z.string(), target: z.string(), placeId: z.string().nullable() },
  ...{ reason: z.string().nullable(), result: z.string() },
})
const admins = z.union([
  z.looseObject({ wallets: z.array(z.string()), token: yes('tools with the token may moderate') }),
  z.looseObject({
    placeId: text('with `--scene` or `--world`'),
    admins: z.array(
      z.looseObject({ admin: z.string(), addedBy: z.string().nullable(), addedAt: z.string().nullable(), by: z.string() }),
    ),
  }),
])
const object = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: z.looseObject({ name: z.string() }) })

/** By the words of the command. Of a loose object, more fields may be there: those of the API server, or of the gatekeeper. */
export const jsonOutputs: Readonly<Record<string, z.ZodType>> = {
  ...{ get: z.array(object), status, 'rollout history': history, doctor, version, top, join: joinReport, load },
  render: z.looseObject({ apiVersion: z.literal('v1'), kind: z.literal('List'), items: z.array(object) }),
  ...{ who, admins, bans: z.array(z.looseObject({ bannedAddress: z.string(), ...ban })), decisions: z.array(decision) },
}
