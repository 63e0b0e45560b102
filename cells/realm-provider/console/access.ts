import { Refusal, UserError } from '../../chassis/errors.ts'
import type { HttpRequest } from '../../chassis/http.ts'
import { hasToken } from '../publications/bearer-token.ts'

/** Who may look at the console: every client, though without wallets; those with the token; or none. */
export type ConsoleMode = 'Public' | 'Token' | 'None'

type Headers = Pick<HttpRequest, 'headers'>

/** What a request may see of the console. */
export class ConsoleAccess {
  readonly mode: ConsoleMode
  readonly #token: string | undefined

  /** @throws UserError when a token is required and there is none */
  constructor(mode: ConsoleMode, token: string | undefined) {
    if (mode === 'Token' && token === undefined) throw new UserError('CONSOLE is Token, but CONSOLE_TOKEN is not set', 2)
    this.mode = mode
    this.#token = token
  }

  /** @throws Refusal UNAUTHORIZED without the token, where one is needed, and with a wrong one everywhere */
  check(request: Headers): void {
    const isGiven = request.headers.authorization !== undefined
    if (this.seesWallets(request) || (this.mode === 'Public' && !isGiven)) return
    throw new Refusal('UNAUTHORIZED', 'the console needs its token: Authorization: Bearer …')
  }

  /** No wallets are shown while there is no token. */
  seesWallets(request: Headers): boolean {
    return this.#token !== undefined && hasToken(request, this.#token)
  }
}
