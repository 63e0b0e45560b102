import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const TIMEOUT_MS = 20_000

/** Runs the real kubectl of a part in one namespace, and returns what it printed. @throws when it does not exit with 0 */
export const kubectlOf = (part: string, kubeconfig: string, namespace: () => string) => async (args: string) =>
  (
    await run(join(part, 'kubectl'), ['--kubeconfig', kubeconfig, '-n', namespace(), ...args.split(' ')], { timeout: TIMEOUT_MS })
  ).stdout.trim()
