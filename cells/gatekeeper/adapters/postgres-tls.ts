import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { messageOf, UserError } from '../../chassis/errors.ts'

/** How to reach a PostgreSQL server as far as TLS is concerned. */
export interface PostgresTls {
  /** The URL without its parameters about TLS, some of which the driver reads differently from libpq. */
  url: string
  /** What to try, the first one first; false = without TLS. */
  attempts: readonly (ConnectionOptions | false)[]
}

const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
type Mode = (typeof modes)[number]
const isMode = (text: string): text is Mode => (modes as readonly string[]).includes(text)

/** Parameters about TLS: libpq's, and the names that the driver and JDBC have for them. */
const PARAMETERS = ['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat']

/**
 * Reads `sslmode` and the files of certificates from a URL as libpq does (https://www.postgresql.org/docs/current/libpq-ssl.html).
 * Two things differ: without an authority, `verify-ca` and `verify-full` use those Node trusts, and an authority without `sslmode`
 * means `verify-full`, because an authority serves only to verify.
 *
 * @param caFile PEM file of the authority; used instead of the URL's `sslrootcert`
 * @throws UserError for an unknown mode, a mode that verifies nothing despite `caFile`, or a file that cannot be read
 */
export function postgresTls(url: string, caFile?: string): PostgresTls {
  const parsed = new URL(url)
  const parameter = (name: string): string | undefined => parsed.searchParams.get(name) ?? undefined
  const rootFile = caFile ?? (parameter('sslrootcert') === 'system' ? undefined : parameter('sslrootcert'))
  const mode = modeOf(parameter('sslmode'), parameter('ssl')) ?? (caFile === undefined ? 'prefer' : 'verify-full')
  if (caFile !== undefined && !['require', 'verify-ca', 'verify-full'].includes(mode))
    throw new UserError(`DATABASE_CA_FILE needs sslmode verify-full, verify-ca or require in DATABASE_URL, not ${mode}`, 2)
  const [cert, key] = [parameter('sslcert'), parameter('sslkey')]
  const files = {
    ...(cert !== undefined && { cert: readPem('sslcert', cert) }),
    ...(key !== undefined && { key: readPem('sslkey', key) }),
    ...(rootFile !== undefined && { ca: readPem(caFile === undefined ? 'sslrootcert' : 'DATABASE_CA_FILE', rootFile) }),
  }
  for (const name of PARAMETERS) parsed.searchParams.delete(name)
  return { url: parsed.href, attempts: attemptsOf(mode, files) }
}

function modeOf(sslmode: string | undefined, ssl: string | undefined): Mode | undefined {
  if (sslmode === undefined) return ssl === 'true' || ssl === '1' ? 'require' : undefined
  if (isMode(sslmode)) return sslmode
  if (sslmode === 'no-verify') return 'require' // the driver's own name
  throw new UserError(`sslmode in DATABASE_URL is one of ${modes.join(', ')}, not ${sslmode}`, 2)
}

function attemptsOf(mode: Mode, files: ConnectionOptions): PostgresTls['attempts'] {
  const unverified = { ...files, rejectUnauthorized: false }
  const authorityOnly = { ...files, checkServerIdentity: () => undefined }
  switch (mode) {
    case 'disable':
      return [false]
    case 'allow':
      return [false, unverified]
    case 'prefer':
      return [unverified, false]
    case 'require':
      return [files.ca === undefined ? unverified : authorityOnly]
    case 'verify-ca':
      return [authorityOnly]
    case 'verify-full':
      return [files]
  }
}

function readPem(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(`the certificates of the database cannot be read: ${name}: ${messageOf(error)}`, 2, { cause: error })
  }
}

/**
 * Whether an attempt failed in such a way that one with TLS, or without it, may succeed: no TLS on the server's side, a handshake
 * that failed, or a rule of `pg_hba.conf` that refuses this kind of connection.
 */
export function dependsOnTls(error: unknown): boolean {
  const { code, message } = describe(error)
  return code === '28000' || code === 'EPROTO' || code.startsWith('ERR_SSL') || message.includes('SSL connection')
}

/** What to change where a certificate was not accepted; '' for other errors. */
export function tlsRemedyOf(error: unknown): string {
  const { code } = describe(error)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return ': the certificate is for another host; reach the database by a name in it, or use sslmode=verify-ca, which accepts any host'
  if (/CERT|^UNABLE_TO_/.test(code))
    return (
      ': give the authority that signed the certificate as DATABASE_CA_FILE (database.caSecretName of a Realm), ' +
      'or use sslmode=require, which encrypts and does not verify'
    )
  return ''
}

function describe(error: unknown): { code: string; message: string } {
  const { code } = (error ?? {}) as { code?: unknown }
  return { code: typeof code === 'string' ? code : '', message: messageOf(error) }
}
