/** Whether this is the module for other people's pages, and not a page of ours; set by the build. */
declare const __EMBEDDED__: boolean;
