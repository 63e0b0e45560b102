import { constants, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { Authenticator } from '@dcl/crypto'
import { fetch, type RequestInit } from 'undici'
import { messageOf } from '../chassis/errors.ts'
import { outgoingHttp } from '../chassis/outgoing-http.ts'
import { needsEthereum } from './chain.ts'
import { isValidPlainChain } from './plain-chain.ts'
import { loadSignatureLibrary } from './signature-library.ts'
import type { VerifyRequest, VerifyResponse, VerifyWorkerData } from './verifier.ts'

const { ethereumRpcUrl, ethereumTimeoutMs, maxEthereumChecks } = workerData as VerifyWorkerData
const provider = ethereumRpcUrl ? await ethereumProvider(ethereumRpcUrl) : null
const library = await loadSignatureLibrary()
let ethereumChecks = 0

// A handshake can wait, the positions of connected players cannot: on Linux this is the priority of this thread alone.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

parentPort?.on('message', (question: VerifyRequest) => {
  const { id } = question
  check(question)
    .then(({ ok, message }) => answer({ id, ok, reason: message ?? 'the signature does not match' }))
    .catch((error: unknown) => answer({ id, ok: false, reason: messageOf(error) }))
})

function answer(given: VerifyResponse): void {
  parentPort?.postMessage(given)
}

async function check({ chain, payload, nowMs }: VerifyRequest): Promise<{ ok: boolean; message?: string }> {
  if (isValidPlainChain(chain, payload, { library, nowMs })) return { ok: true }
  const validated = () => Authenticator.validateSignature(payload, chain, provider, nowMs)
  if (!provider || !needsEthereum(chain)) return validated()
  if (ethereumChecks >= maxEthereumChecks) return { ok: false, message: 'too many contract wallets are being checked' }
  ethereumChecks++
  try {
    return await Promise.race([validated(), tooLate(ethereumTimeoutMs)])
  } finally {
    ethereumChecks--
  }
}

const tooLate = (afterMs: number): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`Ethereum did not answer within ${afterMs} ms`)), afterMs).unref()
  })

// Loaded only where contract wallets are allowed: plain wallets need no Ethereum provider.
async function ethereumProvider(url: string) {
  const { default: eth } = await import('eth-connect') // its exports are not visible by name to a native import
  return new eth.HTTPProvider(url, {
    fetch: (input: string, init: RequestInit) =>
      fetch(input, {
        ...init,
        dispatcher: outgoingHttp(),
        redirect: 'error',
        signal: AbortSignal.timeout(ethereumTimeoutMs),
      }),
  })
}
