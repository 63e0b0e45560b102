import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HttpResponse } from '../../chassis/http-response.ts'
import { prepared } from '../../chassis/representation.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The page runs its own files, connects to its own provider, and nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Files of one version of the page belong together; each has an entity tag.
  'cache-control': 'no-cache',
}

/** The files of the page by name, as they are in the folder `page`: the browser is sent what is in the repository. */
export function readPageFiles(): ReadonlyMap<string, HttpResponse> {
  const folder = fileURLToPath(new URL('./page/', import.meta.url))
  return new Map(
    readdirSync(folder)
      .filter((name) => extname(name) in TYPES)
      .map((name) => [name, fileAnswer(name, readFileSync(folder + name))]),
  )
}

const fileAnswer = (name: string, body: Buffer): HttpResponse =>
  prepared(body, { ...HEADERS, 'content-type': TYPES[extname(name)] ?? 'text/plain' })

/** The page for an address with a slash at its end, from which its files are beside it. */
export const withoutFolder = (page: Buffer): HttpResponse =>
  fileAnswer('index.html', Buffer.from(page.toString().replaceAll('="console/', '="')))
