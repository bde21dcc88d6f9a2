"""How well rtig does on labelled data: the right article, the customer's mood, emotions in single texts."""
