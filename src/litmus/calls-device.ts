/** Devices as user space drives them: RDMA, VFIO, AF_XDP, V4L2. What the device itself does is a call too. */
import type { CallEntry } from './call-entry.ts';

const device = (form: string, doc: string, errors = ''): CallEntry => ({
  group: 'devices',
  where: 'user',
  forms: [form],
  doc,
  errors: errors === '' ? [] : errors.split(' '),
});

/** The device acts on its own, without a process: any thread may tell it to. */
const wire = (form: string, doc: string, errors = ''): CallEntry => ({
  ...device(form, doc, errors),
  where: 'any',
});

/** What a driver of the test's own calls. */
const driver = (form: string, doc: string, errors = ''): CallEntry => ({
  ...device(form, doc, errors),
  where: 'kernel',
});

export const DEVICE_CALLS: readonly CallEntry[] = [
  device(
    'handle ibv_reg_mr(address addr, size length, IBV access)',
    'Registers memory with the RDMA device: longterm pins, or on-demand paging with IBV_ACCESS_ON_DEMAND; returns the MR.',
    'EAGAIN EFAULT EINVAL ENOMEM EOPNOTSUPP',
  ),
  device(
    'int ibv_dereg_mr(handle mr)',
    'Takes the MR away: the device stops, its pages are unpinned.',
    'EINVAL',
  ),
  wire(
    'byte rdma_read(handle mr, int offset)',
    'The device reads one byte of the MR.',
    'EFAULT EINVAL',
  ),
  wire(
    'int rdma_write(handle mr, int offset, int byte)',
    'The device writes one byte of the MR.',
    'EFAULT EINVAL',
  ),
  driver(
    'handle mmu_interval_notifier_insert(address start, size length)',
    'A driver of the test watches a range of the address space; its callback takes the driver lock and drops device entries.',
    'EINVAL ENOMEM',
  ),
  driver('int mmu_interval_notifier_remove(handle n)', 'The driver watches no more.', 'EINVAL'),
  driver(
    'int mmu_interval_read_begin(handle n)',
    'The sequence number of the range; waits while it is being invalidated.',
    'EINVAL',
  ),
  driver(
    'int mmu_interval_read_retry(handle n, int seq)',
    '1: the range was invalidated since, and what was read is stale. Under the driver lock.',
    'EINVAL',
  ),
  driver(
    'page hmm_range_fault(address addr, FOLL flags)',
    'The page at addr, faulted in if need be (FOLL_WRITE: for writing), without a reference; NULL: there is none.',
  ),
  driver(
    'int driver_lock(handle n)',
    "Takes the lock that the notifier's callback takes.",
    'EINVAL',
  ),
  driver('int driver_unlock(handle n)', 'Gives it back.', 'EINVAL'),
  driver(
    'int device_map(handle n, int index, page page)',
    "Programs page number index of the range in the device's page table; a right driver asks for a retry first.",
    'EINVAL',
  ),
  driver(
    'int device_fault(handle n, int index)',
    'The whole sequence, as drivers should: begin, fault, lock, retry, map.',
    'EFAULT EINVAL',
  ),
  wire(
    'byte device_read(handle n, int offset)',
    'The device reads a byte of the range by its own page table; what is missing is faulted as by device_fault.',
    'EFAULT EINVAL',
  ),
  wire(
    'int device_write(handle n, int offset, int byte)',
    'The device writes a byte of the range.',
    'EFAULT EINVAL',
  ),
  device(
    'int vfio_dma_map(address vaddr, int iova, size size)',
    'VFIO_IOMMU_MAP_DMA: longterm pins the range and maps it for the device at iova.',
    'EEXIST EFAULT EINVAL ENOMEM',
  ),
  device(
    'int vfio_dma_unmap(int iova, size size)',
    'VFIO_IOMMU_UNMAP_DMA: unmaps and unpins.',
    'EINVAL',
  ),
  wire('byte dma_read(int iova)', 'The device behind VFIO reads one byte.', 'EFAULT'),
  wire('int dma_write(int iova, int byte)', 'The device behind VFIO writes one byte.', 'EFAULT'),
  device(
    'int iommufd_ioas_map(address vaddr, int iova, size size)',
    'IOMMU_IOAS_MAP at a fixed address: longterm pins the range and maps it for the device at iova (6.2 and later).',
    'EEXIST EFAULT EINVAL ENOMEM',
  ),
  device(
    'int iommufd_ioas_unmap(int iova, size size)',
    'IOMMU_IOAS_UNMAP: unmaps and unpins.',
    'ENOENT',
  ),
  device(
    'handle mm_iommu_new(address ua, size size)',
    'Preregisters memory for the TCE tables of a powerpc host (VFIO_IOMMU_SPAPR_REGISTER_MEMORY); returns its number.',
    'EFAULT EINVAL ENOMEM',
  ),
  device('int mm_iommu_put(handle mem)', 'Takes the registration back.', 'EINVAL'),
  wire(
    'byte tce_read(handle mem, int offset)',
    'A device behind the TCE table reads one byte.',
    'EFAULT EINVAL',
  ),
  wire(
    'int tce_write(handle mem, int offset, int byte)',
    'A device behind the TCE table writes one byte.',
    'EFAULT EINVAL',
  ),
  device(
    'int goldfish_pipe_read(address buf, size len, int byte)',
    'read(2) of a goldfish pipe: its pages are held while the host writes byte to each byte of buf; returns len.',
    'EFAULT EINVAL ENOMEM',
  ),
  device(
    'handle xdp_umem_reg(address addr, size length)',
    'XDP_UMEM_REG: pins the memory of an AF_XDP socket; returns the UMEM.',
    'EFAULT EINVAL ENOBUFS ENOMEM EOPNOTSUPP',
  ),
  device('int xdp_umem_unreg(handle umem)', 'Closes the socket: the UMEM is unpinned.', 'EINVAL'),
  wire(
    'int xdp_rx(handle umem, int offset, int byte)',
    'The network card receives one byte into the UMEM.',
    'EINVAL',
  ),
  wire(
    'byte xdp_tx(handle umem, int offset)',
    'The network card sends one byte of the UMEM, which is returned.',
    'EINVAL',
  ),
  device(
    'handle v4l2_qbuf_userptr(address addr, size length)',
    'VIDIOC_QBUF with V4L2_MEMORY_USERPTR: pins the buffer for the camera; returns its number.',
    'EFAULT EINVAL ENOMEM EOPNOTSUPP',
  ),
  wire(
    'int v4l2_capture(handle buffer, int offset, int byte)',
    'The camera writes one byte of the buffer.',
    'EINVAL',
  ),
  device(
    'int v4l2_dqbuf(handle buffer)',
    'VIDIOC_DQBUF: takes the buffer back; its pages are dirtied and unpinned.',
    'EINVAL',
  ),
];
