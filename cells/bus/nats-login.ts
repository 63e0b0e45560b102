import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats'
import { messageOf, UserError } from '../chassis/errors.ts'

/** A secret that is read at every login, so that a login after a change of its file uses what the file says then. */
type Secret = () => string | undefined

/** How a service logs in to NATS: in one way at most. */
export interface NatsLogin {
  user?: Secret | undefined
  password?: Secret | undefined
  token?: Secret | undefined
  /** Seed of the nkey of a user: `SU…`. */
  nkeySeed?: Secret | undefined
  /** Content of a credentials file, as `nsc generate creds` writes it: the JWT of a user and the seed of its nkey. */
  credentials?: Secret | undefined
}

/**
 * Logs in with what the secrets contain then. What cannot be used, such as a file that is being written, does not replace what was
 * used before.
 *
 * @throws UserError when several ways are given, or when the secret cannot be used now
 */
export function authenticatorOf({ user, password, token, nkeySeed, credentials }: NatsLogin): Authenticator {
  const ways = {
    'NATS_USER with NATS_PASSWORD': user ?? password,
    NATS_TOKEN: token,
    NATS_NKEY_SEED: nkeySeed,
    NATS_CREDENTIALS_FILE: credentials,
  }
  const given = Object.entries(ways).flatMap(([name, secret]) => (secret ? [name] : []))
  if (given.length > 1) throw new UserError(`there is more than one way to log in to NATS: ${given.join(', ')}; give one`, 2)
  if (token) return usable(token, 'NATS_TOKEN', 'a token', (text) => tokenAuthenticator(text))
  if (nkeySeed) return usable(nkeySeed, 'NATS_NKEY_SEED', 'the seed of the nkey of a user, SU…', ofSeed)
  if (credentials)
    return usable(
      credentials,
      'NATS_CREDENTIALS_FILE',
      'the JWT and the seed of a user, as nsc generate creds writes them',
      ofFile,
    )
  return usernamePasswordAuthenticator(
    () => user?.() as string,
    () => password?.() as string,
  )
}

const ofSeed = (text: string): Authenticator => nkeyAuthenticator(new TextEncoder().encode(text))

/** The library wants an end of line of one character after the last line too. */
const ofFile = (text: string): Authenticator =>
  credsAuthenticator(new TextEncoder().encode(`${text.replaceAll('\r\n', '\n').trim()}\n`))

function usable(secret: Secret, name: string, expected: string, build: (text: string) => Authenticator): Authenticator {
  const read = (nonce?: string) => {
    const text = secret()
    if (!text) throw new Error('it is empty or cannot be read')
    const authenticator = build(text)
    return { authenticator, login: authenticator(nonce) }
  }
  let last = attempt(() => read().authenticator, name, expected)
  return (nonce) => {
    try {
      const { authenticator, login } = read(nonce)
      last = authenticator
      return login
    } catch {
      return last(nonce)
    }
  }
}

function attempt<Result>(work: () => Result, name: string, expected: string): Result {
  try {
    return work()
  } catch (error) {
    throw new UserError(`${name} cannot be used (${messageOf(error)}): it has to contain ${expected}`, 2, { cause: error })
  }
}
