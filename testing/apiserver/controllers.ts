import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { ApiServer } from './apiserver.ts'

/**
 * Starts the real kube-controller-manager of a part, with the named controllers only.
 *
 * @param names as `kube-controller-manager --help` lists them
 */
export function startControllers(
  part: string,
  { kubeconfig }: Pick<ApiServer, 'kubeconfig'>,
  names: readonly string[],
  flags: Readonly<Record<string, string>> = {},
): Running {
  const all = { kubeconfig, controllers: names.join(), 'leader-elect': 'false', 'secure-port': '0', v: '0', ...flags }
  const args = Object.entries(all).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(join(part, 'kube-controller-manager'), args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
