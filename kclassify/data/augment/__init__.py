"""What training does to pixels beyond decoding: the crop, policies for one image, erasing and mixing for a batch."""
