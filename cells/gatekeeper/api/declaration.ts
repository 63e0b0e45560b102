import { z } from 'zod'
import type { HttpRequest, Route } from '../../chassis/http.ts'
import type { HttpResponse } from '../../chassis/http-response.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { ModerationAction } from '../core/moderation-actions.ts'
import type { Metadata, SignedFormat } from '../core/signed-request.ts'

/** The wallet that has signed a request, and what it signed. */
export interface SignedCaller {
  wallet: PeerId
  /** Claims of the client: signed, not verified. */
  metadata: Metadata
  /** As the client wrote it, for `spelledAs`. */
  spelled: Metadata
  format: SignedFormat
}

/** A moderator of the platform: the wallet, or the name given with the moderators' token. */
export interface Moderator {
  name: string
}

/**
 * Who may call a route, by what the handler then knows of the caller (gatekeeper.md §2.4). `signed…` are signed fetches: `signed`
 * of any signer, the others of the explorer, of scene code, of scene code or the authoritative server; `optional` is anonymous
 * when the signature is missing or invalid.
 */
export interface Callers {
  none: undefined
  signed: SignedCaller
  signedByExplorer: SignedCaller
  signedByScene: SignedCaller
  signedBySceneOrServer: SignedCaller
  optional: SignedCaller | undefined
  moderator: Moderator
  service: undefined
}
export type Authentication = keyof Callers

/** One status of a route; without a schema the body is `{"error": text}` from 400 on, and empty below. */
export interface DeclaredAnswer {
  description: string
  body?: z.ZodType
}

/** A route of the API: all that the server, the OpenAPI document and the table in `docs/gatekeeper.md` say about it. */
export interface Declaration<
  Path extends string = string,
  Who extends Authentication = Authentication,
  Query extends z.ZodType | undefined = z.ZodType | undefined,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
> {
  method: Route['method']
  path: Path
  authentication: Who
  /** What it does, in one sentence. */
  summary: string
  /** Which clients and services call it today. */
  callers: string
  /** Where it differs from upstream's on purpose, and why. */
  differs?: string
  /** The file of its tests. */
  test: string
  /** What callers decide by it: the record of decisions also has the requests of those who may not. */
  decides?: ModerationAction
  /** Whether it counts for the rate of changes of scenes, which a wallet has beside that of all routes. */
  isSceneChange?: true
  query?: Query
  /** JSON body; a body that does not fit is answered 400 `{"ok":false,"message":"Invalid JSON body","data":[…]}`. */
  body?: Body
  /** By status; those of the authentication and of the schemas need not be repeated. */
  answers: Readonly<Record<number, DeclaredAnswer>>
}

/** Declares a route, with the types of its handler. */
export const declare = <
  const Path extends string,
  const Who extends Authentication,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  declaration: Declaration<Path, Who, Query, Body>,
): Declaration<Path, Who, Query, Body> => declaration

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
type ParamsOf<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer Tail}`
    ? Name | ParamsOf<Tail>
    : Rest
  : never

/** A request that is authenticated and parsed. */
export interface ApiRequest<
  Who extends Authentication = Authentication,
  Param extends string = string,
  Query = unknown,
  Body = unknown,
> {
  caller: Callers[Who]
  params: Readonly<Record<Param, string>>
  query: Query
  body: Body
  http: HttpRequest
}

/** The handler of a declared route. @throws Refusal for an expected error, answered `{"error": message}` with its status */
export type ApiHandler<Declared> =
  Declared extends Declaration<infer Path, infer Who, infer Query, infer Body>
    ? (request: ApiRequest<Who, ParamsOf<Path>, Parsed<Query>, Parsed<Body>>) => HttpResponse | Promise<HttpResponse>
    : never

/** Some declared routes, by name. */
export type Declarations = Readonly<Record<string, Declaration>>

/** A handler for each of them. */
export type ApiHandlers<Declared> = { [Name in keyof Declared]: ApiHandler<Declared[Name]> }

/** Text that PostgreSQL can store, without blanks around it; at least one character. */
export const storableText = (maxCharacters: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxCharacters)
    .regex(/^[^\0]*$/, 'must not contain NUL')

/** A wallet address; in lower case when parsed. */
export const walletAddress = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be a wallet address')
  .transform((text) => text.toLowerCase() as PeerId)

const MAX_PAGE = 100

/** The query of a list: what is missing or out of range counts as the default, as upstream reads it (gatekeeper.md §4.5). */
export const pagingQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).catch(MAX_PAGE).describe('Entries of a page, 1 to 100.'),
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000_000_000)
    .catch(0)
    .describe('Entries to skip; rounded down to the beginning of a page.'),
})

/** A page of a list: from where, and how upstream numbers it. */
export interface Page {
  limit: number
  /** Rounded down to the beginning of a page. */
  offset: number
}

export const pageOf = ({ limit, offset }: Page): Page => ({ limit, offset: Math.floor(offset / limit) * limit })

/** The numbers that accompany the entries of a page. */
export const pageNumbers = ({ limit, offset }: Page, total: number) => ({
  total,
  page: offset / limit + 1,
  pages: Math.ceil(total / limit),
  limit,
})

/** Schema of `pageNumbers`. */
export const pagedAnswer = { total: z.int(), page: z.int(), pages: z.int(), limit: z.int() }

/** 204 without a body. */
export const noContent: HttpResponse = { status: 204 }
