import fc from 'fast-check'
import { z } from 'zod'
import type { Authentication, Declaration } from '../../../cells/gatekeeper/api/declaration.ts'
import { declaredRoutes } from '../../../cells/gatekeeper/api/declared-routes.ts'
import { signedHeaders } from '../../player/signed-fetch.ts'
import { createWallet } from '../../player/wallet.ts'
import { editedJson, hostileText, type JsonEdit, jsonEdits } from '../generators.ts'
import { moderation } from '../services.ts'
import { fuzzTarget, sharedTarget } from '../target.ts'

/** A call of a declared route. */
interface Call {
  route: number
  /** What the parameters of the path are, in turn. */
  params: readonly string[]
  /** Values for the fields that the query has, in turn; undefined leaves one out. */
  query: readonly (string | undefined)[]
  edits: readonly JsonEdit[]
  caller: 'stranger' | 'moderator' | 'service' | 'explorer' | 'scene' | 'server'
}

const WALLET = `0x${'1'.repeat(40)}`
const attackers = Array.from({ length: 20 }, (_, n) => createWallet(`caller ${n}`))
const SIGNERS = { explorer: 'dcl:explorer', scene: 'decentraland-kernel-scene', server: 'dcl:authoritative-server' } as const
/** Of these, each field of a body gets the first that its schema takes. */
const POSSIBLE: readonly unknown[] = [WALLET, 'all', 'spam', 60_000, true, [WALLET], {}, '2030-01-01T00:00:00.000Z', '127.0.0.1']
const TIMEOUT_MS = 20_000

const text = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(WALLET, WALLET.toUpperCase(), 'main', 'name.dcl.eth', '0,0', '-150,150', 'me', 'scene'),
  },
  { weight: 1, arbitrary: fc.constantFrom('0', '1', '100', '-1', '1e9', 'true', '2030-01-01T00:00:00Z') },
  { weight: 2, arbitrary: hostileText },
)

const fieldsOf = (schema: z.ZodType | undefined): Readonly<Record<string, z.ZodType>> =>
  schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {}

/** A body that the schema takes, as far as the possible values go. */
const bodyOf = (schema: z.ZodType): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fieldsOf(schema)).map(([name, field]) => [name, POSSIBLE.find((value) => field.safeParse(value).success)]),
  )

function targetOf({ path, query }: Declaration, call: Call): string {
  let used = 0
  const filled = path.replace(/:\w+/g, () => encodeURIComponent(wellFormed(call.params[used++ % call.params.length] ?? '')))
  const search = new URLSearchParams(call.caller === 'moderator' ? { moderator: 'Ruth' } : {})
  for (const [n, name] of Object.keys(fieldsOf(query)).entries()) {
    const value = call.query[n % call.query.length]
    if (value !== undefined) search.set(name, wellFormed(value))
  }
  return `${filled}?${search}`
}

/** Text that has an encoding. */
const wellFormed = (given: string): string => given.slice(0, 2_000).toWellFormed()

function headersOf({ method }: Declaration, path: string, { caller, route }: Call): Record<string, string> {
  if (caller === 'stranger') return {}
  if (caller === 'moderator') return { authorization: `Bearer ${moderation.moderatorToken}` }
  if (caller === 'service') return { authorization: `Bearer ${moderation.serviceToken}` }
  const metadata = { signer: SIGNERS[caller], realmName: 'main', sceneId: 'scene', parcel: '0,0', realm: { serverName: 'main' } }
  const wallet = attackers[route % attackers.length] ?? createWallet('caller')
  return signedHeaders(path, { wallet, method: method as 'GET', metadata })
}

/** Who may never be answered as if they might call a route. */
const isForbidden = (who: Authentication, caller: Call['caller']): boolean =>
  (who === 'moderator' && caller !== 'moderator') || (who === 'service' && caller !== 'service')

/** Calls of every declared route of the gatekeeper, by callers of every kind, with parameters, queries and bodies of any content. */
export const gatekeeperApi = fuzzTarget<Call>({
  name: 'gatekeeper',
  inputs: fc.record({
    route: fc.nat(declaredRoutes.length - 1),
    params: fc.array(text, { minLength: 1, maxLength: 3 }),
    query: fc.array(fc.option(text, { nil: undefined }), { minLength: 1, maxLength: 4 }),
    edits: fc.oneof(fc.constant([]), jsonEdits(3)),
    caller: fc.constantFrom('stranger', 'moderator', 'service', 'explorer', 'scene', 'server'),
  }),
  inputsInSuite: 250,
  start: async (services) =>
    sharedTarget(services, async (call) => {
      const declaration = declaredRoutes[call.route]
      if (!declaration) throw new Error(`there is no route ${call.route}`)
      const { method, body: schema, authentication } = declaration
      const target = targetOf(declaration, call)
      const url = services.urls.gatekeeper + target
      const body = schema && JSON.stringify(editedJson(bodyOf(schema), call.edits))
      const response = await fetch(url, {
        ...{ method, headers: headersOf(declaration, new URL(url).pathname, call) },
        ...(body !== undefined && method !== 'GET' && { body }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const answer = await response.text()
      const { status } = response
      const what = `${method} ${target} by ${call.caller} was answered ${status} ${answer.slice(0, 200)}`
      if (status >= 500 && status !== 503) throw new Error(what)
      if (status < 400 && isForbidden(authentication, call.caller)) throw new Error(what)
    }),
})
