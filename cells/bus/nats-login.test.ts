import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nkeys } from 'nats'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { silentLog } from '../chassis/log.ts'
import { currentSecret } from '../chassis/secret-files.ts'
import { type Bus, type BusState, NO_PAYLOAD } from './bus.ts'
import { type Broker, startBroker } from './fixtures.ts'
import { connectNats } from './nats.ts'
import { authenticatorOf, type NatsLogin } from './nats-login.ts'

const PATIENCE = { timeout: 15_000 }
type KeyPair = ReturnType<typeof nkeys.createUser>
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** A token as NATS's tool `nsc` signs it, https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt */
function signed(issuer: KeyPair, subject: KeyPair, nats: object, expiresAt?: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [iss, sub] = [issuer.getPublicKey(), subject.getPublicKey()]
  const claims = { jti: sub, iat: 1, iss, sub, name: 'test', nats: { ...nats, version: 2 }, ...(expiresAt && { exp: expiresAt }) }
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`
}

const credentialsFile = (jwt: string, user: KeyPair) =>
  `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n` +
  `-----BEGIN USER NKEY SEED-----\n${textOf(user.getSeed())}\n------END USER NKEY SEED------\n`

withPart('nats', 'a service logs in to NATS', (binary) => {
  let broker: Broker | undefined
  let bus: Bus | undefined
  afterEach(async () => {
    await bus?.close()
    await broker?.kill()
    bus = undefined
  })
  const connect = async (login: NatsLogin) => {
    bus = await connectNats({ servers: [broker?.url ?? ''], name: 'test', log: silentLog, ...login })
    return bus
  }
  const startWith = async (config: string) => {
    const file = join(freshFolder(), 'nats.conf')
    writeFileSync(file, config)
    broker = await startBroker(binary, '-c', file)
    return (changed: string) => {
      writeFileSync(file, changed)
      broker?.reload()
    }
  }

  test('with a token', async () => {
    broker = await startBroker(binary, '--auth', 'open-sesame')
    await expect(connect({ token: () => 'other' })).rejects.toThrow(/refused the connection/)
    expect((await connect({ token: () => 'open-sesame' })).state).toBe('connected')
  })

  test('with the seed of an nkey, and with another one once the broker knows only that', async () => {
    const [first, second] = [nkeys.createUser(), nkeys.createUser()]
    const configOf = (user: KeyPair) => `authorization { users: [{ nkey: ${user.getPublicKey()} }] }\n`
    const change = await startWith(configOf(first))
    let seed = textOf(first.getSeed())
    const connected = await connect({ nkeySeed: () => seed })
    const states: BusState[] = []
    connected.onState((state) => states.push(state))
    change(configOf(second))
    await vi.waitFor(() => expect(states).toContain('disconnected'), PATIENCE)
    seed = textOf(second.getSeed())
    await vi.waitFor(() => expect(states.at(-1)).toBe('connected'), PATIENCE)
  }, 40_000)

  test('with a credentials file that expires: the bus comes back with the file that replaces it', async () => {
    const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()]
    const anyNumber = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1, wildcards: true }
    const accountJwt = signed(operator, account, { type: 'account', limits: anyNumber })
    await startWith(
      `operator: ${signed(operator, operator, { type: 'operator' })}\nresolver: MEMORY\n` +
        `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }\n`,
    )
    const file = join(freshFolder(), 'user.creds')
    const write = (seconds: number) => {
      const jwt = signed(
        account,
        user,
        { type: 'user', subs: -1, data: -1, payload: -1 },
        Math.floor(Date.now() / 1_000) + seconds,
      )
      writeFileSync(file, credentialsFile(jwt, user))
    }
    write(5)
    const connected = await connect({ credentials: currentSecret(undefined, file) })
    const received: string[] = []
    connected.subscribe('x', (_, subject) => received.push(subject))
    const states: BusState[] = []
    connected.onState((state) => states.push(state))
    await vi.waitFor(() => expect(states).toContain('disconnected'), PATIENCE)
    writeFileSync(file, '') // what a writer that does not replace the file in one step leaves for a moment
    await vi.waitFor(() => expect(connected.problem).toMatch(/expired|authori[sz]ation/i), PATIENCE)
    write(3_600)
    await vi.waitFor(() => expect(states.at(-1)).toBe('connected'), PATIENCE)
    connected.publish('x', NO_PAYLOAD)
    await vi.waitFor(() => expect(received).toEqual(['x']), PATIENCE)
  }, 60_000)
})

describe('a login that cannot be attempted is refused with what was expected', () => {
  const user = nkeys.createUser()
  test.each<[string, NatsLogin, string]>([
    [
      'two ways',
      { user: () => 'cells', token: () => 'open-sesame' },
      'more than one way to log in to NATS: NATS_USER with NATS_PASSWORD, NATS_TOKEN; give one',
    ],
    ['an empty token', { token: () => '' }, 'NATS_TOKEN cannot be used (it is empty or cannot be read)'],
    ['a seed of another kind', { nkeySeed: () => 'secret' }, 'it has to contain the seed of the nkey of a user, SU…'],
    [
      'a missing file',
      { credentials: currentSecret(undefined, '/missing.creds') },
      'NATS_CREDENTIALS_FILE cannot be used (it is',
    ],
    [
      'half a file',
      { credentials: () => credentialsFile('jwt', user).slice(0, 60) },
      'it has to contain the JWT and the seed of a user',
    ],
  ])('%s', (_, login, sentence) => {
    expect(() => authenticatorOf(login)).toThrow(sentence)
  })

  test('lines may end as on Windows', () => {
    const login = authenticatorOf({ credentials: () => credentialsFile('jwt', user).replaceAll('\n', '\r\n') })
    expect(login('nonce')).toMatchObject({ jwt: 'jwt', nkey: user.getPublicKey() })
  })
})
