import type { z } from 'zod'
import { messageOf } from '../../chassis/errors.ts'
import { type HttpRequest, json, type Route } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import type { Attempt } from '../decisions.ts'
import type { CallerCheck } from './callers.ts'
import type { ApiHandlers, ApiRequest, Declaration, Declarations } from './declaration.ts'
import type { SceneChangeLimit } from './scene-change-limit.ts'

/** What declared routes are served with. */
export interface ServeOptions {
  callers: Pick<CallerCheck, 'callerOf'>
  /** Called when a stranger asks for a decision: a caller who may not call the route at all. */
  onStranger?: ((attempt: Attempt, reason: string) => void) | undefined
  /** The rate of changes of scenes. */
  sceneChangeLimit: Pick<SceneChangeLimit, 'refusalTo'>
  /** For tests: called with every answer, before it is sent. */
  onAnswer?: ((declaration: Declaration, answer: HttpResponse) => void) | undefined
}

/** The routes of some declarations: each authenticates the caller, parses query and body, and calls its handler. */
export const serve = <Declared extends Declarations>(
  declarations: Declared,
  handlers: ApiHandlers<Declared>,
  options: ServeOptions,
): Route[] =>
  Object.entries(declarations).map(([name, declaration]) => ({
    method: declaration.method,
    path: declaration.path,
    handler: async (request) => {
      const answer = await answerOf(declaration, handlers[name] as Handle, request, options)
      options.onAnswer?.(declaration, answer)
      return answer
    },
  }))

const UNKNOWN = 'unknown'

type Handle = (request: ApiRequest) => HttpResponse | Promise<HttpResponse>

async function answerOf(
  declaration: Declaration,
  handle: Handle,
  http: HttpRequest<string>,
  { callers, onStranger, sceneChangeLimit }: ServeOptions,
): Promise<HttpResponse> {
  // Read even where it is refused afterwards: an answer to a body that is still arriving would close the connection.
  const body = http.method === 'GET' || http.method === 'HEAD' ? undefined : await http.body()
  const verdict = await callers.callerOf(declaration.authentication, http, ownPathOf(http.path, declaration.path))
  if ('answer' in verdict) {
    const { decides: action } = declaration
    const { wallet: actor = UNKNOWN, answer } = verdict
    if (action && answer.status === 401)
      onStranger?.({ actor, action, target: http.params.address ?? UNKNOWN }, 'may not call this')
    return answer
  }
  if (declaration.isSceneChange && verdict.caller && 'wallet' in verdict.caller) {
    const refusal = sceneChangeLimit.refusalTo(verdict.caller.wallet)
    if (refusal) return refusal
  }
  const query = declaration.query?.safeParse(Object.fromEntries(http.query))
  if (query && !query.success) return json(400, { error: `Invalid query: ${problemsOf(query.error).map(sentenceOf).join('; ')}` })
  const parsed = parsedBody(declaration, body)
  if ('answer' in parsed) return parsed.answer
  return handle({
    caller: verdict.caller,
    params: http.params,
    query: query?.data,
    body: parsed.body,
    http: { ...http, body: async () => body ?? Buffer.alloc(0) },
  })
}

function parsedBody({ body: schema }: Declaration, body: Buffer | undefined): { body: unknown } | { answer: HttpResponse } {
  if (!schema) return { body: undefined }
  let given: unknown
  try {
    given = JSON.parse(body?.toString() ?? '')
  } catch (error) {
    return { answer: json(400, { ok: false, message: messageOf(error) }) }
  }
  const parsed = schema.safeParse(given)
  if (parsed.success) return { body: parsed.data }
  return { answer: json(400, { ok: false, message: 'Invalid JSON body', data: problemsOf(parsed.error) }) }
}

interface Problem {
  path: string
  message: string
}

const MAX_PROBLEMS = 10

const problemsOf = (error: z.ZodError): Problem[] =>
  error.issues.slice(0, MAX_PROBLEMS).map(({ path, message }) => ({ path: path.join('.'), message }))

const sentenceOf = ({ path, message }: Problem): string => `${path}: ${message}`

/** The end of a path that a route's pattern matched: without what the gatekeeper is mounted below. */
export function ownPathOf(path: string, pattern: string): string {
  const segments = pattern.split('/').length - 1 + (path.endsWith('/') ? 1 : 0)
  return `/${path.split('/').slice(-segments).join('/')}`
}
