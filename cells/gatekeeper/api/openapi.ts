import { z } from 'zod'
import type { Authentication, Declaration, DeclaredAnswer } from './declaration.ts'

/** What OpenAPI calls a security requirement, for each way to authenticate; absent = none. */
const security: Readonly<Record<Authentication, readonly object[] | undefined>> = {
  none: undefined,
  signed: [{ signedFetch: [] }],
  signedByExplorer: [{ signedFetch: [] }],
  signedByScene: [{ signedFetch: [] }],
  signedBySceneOrServer: [{ signedFetch: [] }],
  optional: [{}, { signedFetch: [] }],
  moderator: [{ moderatorToken: [] }, { signedFetch: [] }],
  service: [{ serviceToken: [] }],
}

const errorBody = z.object({ error: z.string() })
const middlewareErrorBody = z.object({ ok: z.literal(false), message: z.string(), data: z.array(z.unknown()).optional() })
const INVALID = 'The request is invalid.'

/** The answers of a route that come of how it is protected and of what it takes. */
function commonAnswers({ authentication, query, body }: Declaration): [status: number, answer: DeclaredAnswer][] {
  const isSigned = authentication.startsWith('signed')
  const unsignedBody = isSigned && authentication !== 'signed' ? middlewareErrorBody : errorBody
  const answers: ([number, DeclaredAnswer] | false)[] = [
    body !== undefined && [400, { description: INVALID, body: middlewareErrorBody }],
    query !== undefined && [400, { description: INVALID }],
    isSigned && authentication !== 'signed' && [400, { description: INVALID, body: middlewareErrorBody }],
    authentication === 'moderator' && [400, { description: INVALID }],
    authentication !== 'none' &&
      authentication !== 'optional' && [401, { description: 'The caller is not authenticated.', body: unsignedBody }],
    authentication !== 'none' && authentication !== 'service' && [429, { description: 'The wallet sends too many requests.' }],
    [503, { description: 'What is needed does not answer now; Retry-After says when to try again.' }],
  ]
  return answers.filter((answer) => answer !== false)
}

/** Every status that a route answers, with its body if it has one. */
export function answersOf(declaration: Declaration): Declaration['answers'] {
  const own = Object.entries(declaration.answers).map(([status, answer]) => [Number(status), answer] as const)
  const byStatus = Map.groupBy([...own, ...commonAnswers(declaration)], ([status]) => status)
  const merged = [...byStatus].map(([status, same]) => {
    const descriptions = new Set(same.map(([, { description }]) => description))
    const bodies = new Set(same.flatMap(([, { body }]) => body ?? (status >= 400 ? errorBody : [])))
    return [status, { description: [...descriptions].join(' '), ...(bodies.size > 0 && { body: anyOf([...bodies]) }) }] as const
  })
  return Object.fromEntries(merged)
}

const anyOf = (schemas: z.ZodType[]): z.ZodType => {
  const [first] = schemas
  return first !== undefined && schemas.length === 1 ? first : z.union(schemas)
}

/** The OpenAPI 3.1 document of some routes. */
export const openApiOf = (declarations: readonly Declaration[], version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Gatekeeper',
    version,
    description:
      'Tokens of rooms, bans and administrators of scenes of a realm. Every route is served at / and below /gatekeeper.',
  },
  paths: pathsOf(declarations),
  components: {
    securitySchemes: {
      signedFetch: {
        type: 'apiKey',
        in: 'header',
        name: 'x-identity-auth-chain-0',
        description: 'A signed fetch (ADR-44): headers x-identity-auth-chain-N, x-identity-timestamp, x-identity-metadata.',
      },
      moderatorToken: {
        type: 'http',
        scheme: 'bearer',
        description: 'The token of MODERATOR_TOKEN; ?moderator= names the person.',
      },
      serviceToken: { type: 'http', scheme: 'bearer', description: 'The token of COMMS_GATEKEEPER_AUTH_TOKEN.' },
    },
  },
})

function pathsOf(declarations: readonly Declaration[]): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const declaration of declarations) {
    const path = declaration.path.replace(/:(\w+)/g, '{$1}')
    const operations = paths[path] ?? {}
    operations[declaration.method.toLowerCase()] = operationOf(declaration)
    paths[path] = operations
  }
  return paths
}

function operationOf(declaration: Declaration): object {
  const { summary, differs, authentication, path, query, body } = declaration
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true },
    schema: { type: 'string' },
  }))
  const { properties = {}, required = [] } = (query ? schemaOf(query, 'input') : {}) as {
    properties?: Record<string, object>
    required?: string[]
  }
  const queries = Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name) },
    schema,
  }))
  const answers = Object.entries(answersOf(declaration))
  return {
    summary,
    ...(differs && { description: `Differs from upstream: ${differs}` }),
    ...(security[authentication] && { security: security[authentication] }),
    ...(parameters.length + queries.length > 0 && { parameters: [...parameters, ...queries] }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: Object.fromEntries(
      answers.map(([status, { description, body: schema }]) => [
        status,
        { description, ...(schema && { content: { 'application/json': { schema: schemaOf(schema, 'output') } } }) },
      ]),
    ),
  }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
