import { parentPort, workerData } from 'node:worker_threads'
import { Authenticator } from '@dcl/crypto'
import { messageOf } from '../chassis/errors.ts'
import type { VerifyAnswer, VerifyQuestion } from './verifier.ts'

const { ethereumRpcUrl } = workerData as { ethereumRpcUrl?: string }
const provider = ethereumRpcUrl ? await ethereumProvider(ethereumRpcUrl) : null

parentPort?.on('message', ({ id, chain, payload, nowMs }: VerifyQuestion) => {
  Authenticator.validateSignature(payload, chain, provider, nowMs)
    .then(({ ok, message }) => answer({ id, ok, reason: message ?? 'the signature does not match' }))
    .catch((error: unknown) => answer({ id, ok: false, reason: messageOf(error) }))
})

function answer(given: VerifyAnswer): void {
  parentPort?.postMessage(given)
}

// Loaded only where contract wallets are allowed: plain wallets need no Ethereum provider.
async function ethereumProvider(url: string) {
  const { HTTPProvider } = await import('eth-connect')
  return new HTTPProvider(url)
}
