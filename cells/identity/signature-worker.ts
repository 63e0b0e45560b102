import { constants, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { isSignedByKey } from './key-signature.ts'
import { loadSignatureLibrary } from './signature-library.ts'
import type { FromWorker, SignatureCheck } from './signature-threads.ts'

const library = await loadSignatureLibrary()

// A handshake can wait, the positions of connected players cannot: on Linux this is the priority of this thread alone.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

parentPort?.on('message', (checks: readonly SignatureCheck[]) => {
  send({ invalid: checks.map(({ signatures }) => signatures.findIndex((signature) => !isSignedByKey(library, signature))) })
})
send({ library: library.name })

function send(message: FromWorker): void {
  parentPort?.postMessage(message)
}
