import { endianness } from 'node:os'

/** The calls of the C library that move many datagrams at once. Node.js has one call for each datagram, which is most of what a crowd costs. */
export interface SocketLibrary {
  /** Opens a socket for datagrams that does not block. @returns its file descriptor, or a negative number */
  open(family: number): number
  /** Sets an option that is one integer. @returns 0, or a negative number */
  setOption(fd: number, level: number, option: number, value: number): number
  /** @returns 0, or a negative number */
  bind(fd: number, address: Uint8Array): number
  close(fd: number): void
  /** How many datagrams found the kernel's buffer of the socket full; undefined where the kernel does not say. */
  missed(fd: number): number | undefined
  /**
   * Sends datagrams until the kernel takes no more.
   *
   * @param headers `struct mmsghdr`, one after the other
   * @returns how many it took; a negative number is an error of the first one, see `errno`
   */
  send(fd: number, headers: Uint8Array, count: number): number
  /** Receives what has arrived already. @returns how many datagrams; a negative number when there are none, or for an error */
  receive(fd: number, headers: Uint8Array, count: number): number
  /** The error of the last call. */
  errno(): number
  /** Where the memory of a buffer is; it must be kept as long as the address is used. */
  addressOf(bytes: Uint8Array): bigint
  /** Writes the bytes of an address of a family, at most 16. @returns whether the text is one */
  parse(family: number, text: string, bytes: Uint8Array): boolean
  /** The name of a network interface; empty for none. */
  interfaceName(index: number): string
}

const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
/** Nine numbers about the memory of a socket, of which the last counts what was dropped. */
const SO_MEMINFO = 55
const SK_MEMINFO_DROPS = 8
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const INTERFACE_NAME_BYTES = 16

/** Whether the structures of the kernel are laid out as here: all that are in use, of Linux with 64 bits. */
const isSupported = (): boolean =>
  process.platform === 'linux' && ['x64', 'arm64', 'riscv64'].includes(process.arch) && endianness() === 'LE'

/** Undefined where these calls cannot be made: on another system, or where the package is not built for this machine. */
export async function loadSocketLibrary(): Promise<SocketLibrary | undefined> {
  if (!isSupported()) return undefined
  const loaded = await import('koffi').catch(() => undefined)
  return loaded && libraryOf(loaded.default)
}

function libraryOf(koffi: typeof import('koffi')['default']): SocketLibrary {
  // Of the process itself, which has the C library of its machine loaded, whatever its file is called.
  const c = koffi.load(null)
  const open = c.func('int socket(int domain, int type, int protocol)')
  const setOption = c.func('int setsockopt(int fd, int level, int name, const void *value, unsigned int bytes)')
  const option = c.func('int getsockopt(int fd, int level, int name, void *value, void *bytes)')
  const bind = c.func('int bind(int fd, const void *address, unsigned int bytes)')
  const close = c.func('int close(int fd)')
  const send = c.func('int sendmmsg(int fd, void *headers, unsigned int count, int flags)')
  const receive = c.func('int recvmmsg(int fd, void *headers, unsigned int count, int flags, void *timeout)')
  const parse = c.func('int inet_pton(int family, const char *text, void *bytes)')
  const interfaceName = c.func('void *if_indextoname(unsigned int index, void *name)')
  return {
    open: (family) => open(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
    setOption: (fd, level, option, value) => setOption(fd, level, option, Int32Array.of(value), 4),
    bind: (fd, address) => bind(fd, address, address.length),
    close: (fd) => void close(fd),
    missed(fd) {
      const numbers = new Uint32Array(SK_MEMINFO_DROPS + 1)
      return option(fd, SOL_SOCKET, SO_MEMINFO, numbers, Uint32Array.of(numbers.byteLength)) === 0
        ? numbers[SK_MEMINFO_DROPS]
        : undefined
    },
    send: (fd, headers, count) => send(fd, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL),
    receive: (fd, headers, count) => receive(fd, headers, count, MSG_DONTWAIT, null),
    errno: () => koffi.errno(),
    addressOf: (bytes) => koffi.address(bytes),
    parse: (family, text, bytes) => parse(family, text, bytes) === 1,
    interfaceName(index) {
      const name = Buffer.alloc(INTERFACE_NAME_BYTES)
      interfaceName(index, name)
      return name.toString('latin1', 0, name.indexOf(0))
    },
  }
}
