/** What a version must have to run a test: calls, flags and advice that came later than the oldest kernels. */
import type { Rules } from '../kernels/index.ts';
import type { CheckedTest } from '../litmus/checked.ts';

type Has = (rules: Rules) => boolean;

const pinApi: Has = (r) => r.api.pinUserPages;
const unpinApi: Has = (r) => r.api.unpinUserPage;
const putUser: Has = (r) => r.api.putUserPage;
const folioUnpin: Has = (r) => r.api.unpinFolio;
const ring: Has = (r) => r.call.ioUring;
const longtermNames: Has = (r) => r.api.pinLongtermPages;

/** By call; a call that is not here every version has. */
const CALLS: Readonly<Record<string, Has>> = {
  get_user_pages_remote: (r) => r.api.getUserPagesRemote,
  get_user_pages_longterm: (r) => r.api.getUserPagesLongterm,
  get_user_pages_fast_only: (r) => r.api.getUserPagesFastOnly,
  pin_user_pages: pinApi,
  pin_user_pages_fast: pinApi,
  pin_user_pages_remote: pinApi,
  pin_user_pages_unlocked: (r) => r.api.pinUserPagesUnlocked,
  pin_user_pages_fast_only: (r) => r.api.pinUserPagesFastOnly,
  pin_longterm_pages: longtermNames,
  pin_longterm_pages_fast: longtermNames,
  pin_longterm_pages_remote: longtermNames,
  unpin_user_page: unpinApi,
  unpin_user_pages: unpinApi,
  unpin_user_pages_dirty_lock: unpinApi,
  unpin_user_page_range_dirty_lock: (r) => r.api.unpinUserPageRangeDirtyLock,
  unpin_folio: folioUnpin,
  unpin_folios: folioUnpin,
  unpin_user_folio: folioUnpin,
  put_user_page: putUser,
  put_user_pages: putUser,
  put_user_pages_dirty_lock: putUser,
  page_maybe_dma_pinned: (r) => r.api.pageMaybeDmaPinned,
  folio_maybe_dma_pinned: (r) => r.api.pageMaybeDmaPinned,
  page_dma_pinned: (r) => r.api.pageDmaPinned,
  memfd_pin_folios: (r) => r.api.memfdPinFolios,
  mmu_interval_notifier_insert: (r) => r.call.intervalNotifiers,
  migrate_to_device: (r) => r.call.migrateVma,
  folio_add_pin: (r) => r.api.folioAddPin,
  memfd_secret: (r) => r.call.memfdSecret,
  xdp_umem_reg: (r) => r.users.xdp !== 'none',
  iommufd_ioas_map: (r) => r.users.iommufd !== 'none',
  io_uring_register_buffers: ring,
  io_uring_unregister_buffers: ring,
  io_uring_read_fixed: ring,
  io_uring_write_fixed: ring,
  PageAnonExclusive: (r) => r.anon.exclusive,
  uffdio_writeprotect: (r) => r.uffd.wp,
  uffdio_continue: (r) => r.uffd.minor,
  uffdio_move: (r) => r.uffd.move,
};

/** By constant. */
const CONSTANTS: Readonly<Record<string, Has>> = {
  MADV_FREE: (r) => r.madvise.free,
  MADV_WIPEONFORK: (r) => r.madvise.wipeonfork,
  MADV_KEEPONFORK: (r) => r.madvise.wipeonfork,
  MADV_PAGEOUT: (r) => r.madvise.pageout,
  MADV_COLD: (r) => r.madvise.pageout,
  MADV_POPULATE_READ: (r) => r.madvise.populate,
  MADV_POPULATE_WRITE: (r) => r.madvise.populate,
  MADV_COLLAPSE: (r) => r.madvise.collapse,
  MADV_DONTNEED_LOCKED: (r) => r.madvise.dontneedLocked,
  MADV_GUARD_INSTALL: (r) => r.madvise.guard !== 'none',
  MADV_GUARD_REMOVE: (r) => r.madvise.guard !== 'none',
  MAP_FIXED_NOREPLACE: (r) => r.call.mapFixedNoreplace,
  MREMAP_DONTUNMAP: (r) => r.call.mremapDontunmap,
  UFFDIO_REGISTER_MODE_WP: (r) => r.uffd.wp,
  UFFDIO_COPY_MODE_WP: (r) => r.uffd.wp,
  UFFDIO_REGISTER_MODE_MINOR: (r) => r.uffd.minor,
  F_SEAL_FUTURE_WRITE: (r) => r.call.sealFutureWrite,
  F_SEAL_EXEC: (r) => r.call.memfdExec,
  PUD_SIZE: (r) => r.devmap.pud,
  MFD_HUGETLB: (r) => r.call.memfdHugetlb,
  MFD_HUGE_2MB: (r) => r.call.memfdHugetlb,
  MFD_HUGE_1GB: (r) => r.call.memfdHugetlb,
  MFD_EXEC: (r) => r.call.memfdExec,
  MFD_NOEXEC_SEAL: (r) => r.call.memfdExec,
};

/** By the first part of a path: devices whose files came with some version. */
const DEVICES: Readonly<Record<string, Has>> = {
  dev: (r) => r.call.deviceDax,
  sys: (r) => r.foll.pciP2pdma !== 0,
};

/** The first device that the test opens and this kernel lacks; null: it has all. */
const missingDevice = (checked: CheckedTest, rules: Rules): string | null => {
  for (const [call, { spec }] of checked.calls) {
    const path = call.args[0];
    if (spec.name !== 'open' || path?.kind !== 'string') continue;
    const has = DEVICES[path.value.split('/')[1] ?? ''];
    if (has !== undefined && !has(rules)) return path.value;
  }
  return null;
};

/** `FOLL_HONOR_NUMA_FAULT` -> `honorNumaFault`. */
const follRule = (name: string): string =>
  name
    .slice('FOLL_'.length)
    .toLowerCase()
    .replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

/** The first thing that the test needs and this kernel lacks; null: it has everything. */
export const missing = (checked: CheckedTest, rules: Rules): string | null => {
  for (const name of checked.callNames) {
    const has = CALLS[name];
    if (has !== undefined && !has(rules)) return `${name}()`;
  }
  const device = missingDevice(checked, rules);
  if (device !== null) return device;
  for (const binding of checked.bindings.values()) {
    if (binding.kind !== 'constant') continue;
    const has = CONSTANTS[binding.name];
    if (has !== undefined && !has(rules)) return binding.name;
    if (!binding.name.startsWith('FOLL_')) continue;
    const values: Readonly<Record<string, number | undefined>> = rules.foll;
    if (values[follRule(binding.name)] === 0) return binding.name;
  }
  return null;
};
