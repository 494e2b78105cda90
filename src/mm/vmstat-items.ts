/** Index of each counter in a node's block of `k.vmstat`; the names are /proc/vmstat's. */
export const VMSTAT = {
  nr_foll_pin_acquired: 0,
  nr_foll_pin_released: 1,
  thp_fault_alloc: 2,
  thp_split_page: 3,
  thp_split_page_failed: 4,
  thp_split_pmd: 5,
  thp_collapse_alloc: 6,
  pswpin: 7,
  pswpout: 8,
  pgmigrate_success: 9,
  pgmigrate_fail: 10,
  /** The names of the two pin counters in the proposal of 2019. */
  nr_foll_pin_requested: 11,
  nr_foll_pin_returned: 12,
  /** Words a node. */
  items: 16,
} as const;
