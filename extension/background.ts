// A click on the extension's button opens the panel; nothing else runs in the background.

void chrome.sidePanel.setPanelBehavior({ openPanelOnActionClick: true });
