import { runCommand } from '../parts/command.ts'

/**
 * Does something while this machine has no route to some ports of an address. It has routes to pods, which players do not have: without
 * them it is as far away as players are.
 */
export async function withoutRoute<T>(to: { address: string; ports: string }, work: () => Promise<T>): Promise<T> {
  const rules = ['udp', 'tcp'].map((protocol) => ['to', `${to.address}/32`, 'ipproto', protocol, 'dport', to.ports])
  for (const rule of rules) await runCommand('ip', ['rule', 'add', ...rule, 'blackhole'])
  try {
    return await work()
  } finally {
    for (const rule of rules) await runCommand('ip', ['rule', 'delete', ...rule, 'blackhole'])
  }
}
