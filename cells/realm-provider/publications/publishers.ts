import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, Refusal, UserError } from '../../chassis/errors.ts'
import type { HttpRequest } from '../../chassis/http.ts'
import type { RealmProviderConfig } from '../config.ts'
import { hasToken } from './bearer-token.ts'

/** Operators of another cluster, that share a token. Publishers are strangers to each other. */
export interface Publisher {
  name: string
  token: string
  /** Names of realms it may take; `east-*` stands for every name that begins with `east-`. */
  names: readonly string[]
}

/** The publisher whose token is `PUBLICATION_TOKEN`. */
const DEFAULT_PUBLISHER = 'default'

export const publisherName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
const publishersSchema = z
  .array(
    z.strictObject({ name: publisherName, tokenFile: z.string().min(1), names: z.array(z.string().min(1).max(63)).max(1000) }),
  )
  .max(256)

/** Finds out which publisher sends a request. @throws Refusal UNAUTHORIZED without the token of one */
export function publisherOf(request: Pick<HttpRequest, 'headers'>, publishers: readonly Publisher[]): Publisher {
  // Every token is compared, so that the time taken does not reveal which publisher comes first.
  const [publisher] = publishers.filter(({ token }) => hasToken(request, token))
  if (!publisher) throw new Refusal('UNAUTHORIZED', 'publishing needs a bearer token')
  return publisher
}

export const mayTake = ({ names }: Publisher, realmName: string): boolean =>
  names.some((name) => (name.endsWith('*') ? realmName.startsWith(name.slice(0, -1)) : realmName === name))

/** The publishers that are configured, with their tokens. @throws UserError for an invalid list or an unreadable token */
export function readPublishers({ PUBLICATION_TOKEN, PUBLICATION_PUBLISHERS }: RealmProviderConfig): readonly Publisher[] {
  const single = PUBLICATION_TOKEN ? [{ name: DEFAULT_PUBLISHER, token: PUBLICATION_TOKEN, names: ['*'] }] : []
  try {
    const listed = publishersSchema.parse(JSON.parse(PUBLICATION_PUBLISHERS || '[]'))
    const publishers = [
      ...single,
      ...listed.map(({ name, tokenFile, names }) => ({ name, names, token: readFileSync(tokenFile, 'utf8').trim() })),
    ]
    checkPublishers(publishers)
    return publishers
  } catch (cause) {
    throw new UserError(`PUBLICATION_PUBLISHERS: ${messageOf(cause)}`, 2, { cause })
  }
}

function checkPublishers(publishers: readonly Publisher[]): void {
  const short = publishers.find(({ token }) => token.length < 16)
  if (short) throw new Error(`the token of '${short.name}' is shorter than 16 characters`)
  if (new Set(publishers.map(({ name }) => name)).size < publishers.length) throw new Error('a name occurs twice')
  if (new Set(publishers.map(({ token }) => token)).size < publishers.length) throw new Error('two publishers have one token')
}
